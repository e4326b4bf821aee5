vcl 4.1;
import std;
# One layer of the CDN. The edge and the shield run the same policy; they differ in what stands behind them.
# Only public variants are served: GET and HEAD of /variants/<key>, without query, cookies or credentials.

backend upstream {
  .host = "@UPSTREAM_HOST@";
  .port = "@UPSTREAM_PORT@";
  .connect_timeout = 2s;
  .first_byte_timeout = 10s;
  .between_bytes_timeout = 10s;
}

acl purgers { @PURGERS@ }

sub vcl_recv {
  if (req.url == "/healthz") { return (synth(200)); }
  if (req.method != "GET" && req.method != "HEAD" && req.method != "PURGE") { return (synth(405)); }
  set req.url = regsub(req.url, "\?.*$", "");
  # Our keys are letters, digits, dashes and dots; nothing that another server might read as another path.
  if (req.url !~ "^/variants(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+$") { return (synth(404)); }
  if (req.method == "PURGE") {
    if (client.ip !~ purgers) { return (synth(405)); }
    return (purge);
  }
  # A story ends at the second in its path: /variants/s/<seconds since 1970>/<token>/<size>.jpg
  if (req.url ~ "^/variants/s/") {
    if (req.url !~ "^/variants/s/[0-9]{1,10}/[A-Za-z0-9_-]+/[0-9]+\.jpg$") { return (synth(404)); }
    set req.http.X-Story-End = regsub(req.url, "^/variants/s/([0-9]+)/.*$", "\1");
    if (now >= std.time(req.http.X-Story-End, now)) { return (synth(410, "Gone")); }
  } else {
    unset req.http.X-Story-End;
  }
  unset req.http.Cookie;
  unset req.http.Authorization;
  # Without Origin the store answers everybody alike; CORS is ours to say, in vcl_deliver.
  unset req.http.Origin;
  unset req.http.Accept-Encoding;
  return (hash);
}

# The path alone: the edge asks the shield under another host name, and a purge must meet what was stored.
sub vcl_hash {
  hash_data(req.url);
  return (lookup);
}

sub vcl_backend_fetch {
  unset bereq.http.X-Forwarded-For;
  unset bereq.http.X-Story-End;
}

sub vcl_backend_response {
  unset beresp.http.Set-Cookie;
  unset beresp.http.Vary;
  # What the store says of itself is nobody's business out there.
  unset beresp.http.X-Amz-Request-Id;
  unset beresp.http.Seaweed-X-Amz-ETag;
  unset beresp.http.Seaweed-X-Amz-Owner;
  if (beresp.status >= 500) {
    # A failing upstream must not push out a good stale copy, nor be remembered.
    if (bereq.is_bgfetch) { return (abandon); }
    set beresp.uncacheable = true;
    set beresp.ttl = 0s;
    return (deliver);
  }
  if (beresp.status >= 400) {
    # Absent now; it may be written in a moment. Without grace, so that it is seen as soon as it is there.
    set beresp.ttl = 1s;
    set beresp.grace = 0s;
    return (deliver);
  }
  if (bereq.url ~ "^/variants/s/") {
    # Whatever the object's own headers say: until the second in the path, and not a moment longer. It arrives whole
    # before any of it is sent, so that vcl_deliver decides about all of it.
    set beresp.ttl = std.time(regsub(bereq.url, "^/variants/s/([0-9]+)/.*$", "\1"), now) - now;
    set beresp.grace = 0s;
    set beresp.keep = 0s;
    set beresp.do_stream = false;
    return (deliver);
  }
  # How long is the object's own Cache-Control (a year, immutable); stale for a day while the upstream is away.
  set beresp.grace = 24h;
}

sub vcl_deliver {
  # Once more: the request may have waited for the upstream until the story was over.
  if (req.http.X-Story-End && now >= std.time(req.http.X-Story-End, now)) { return (synth(410, "Gone")); }
  if (obj.hits > 0) {
    set resp.http.X-Cache = "@NAME@; hit; hits=" + obj.hits;
  } else if (resp.http.X-Cache) {
    set resp.http.X-Cache = "@NAME@; miss, " + resp.http.X-Cache;
  } else {
    set resp.http.X-Cache = "@NAME@; miss";
  }
  set resp.http.Access-Control-Allow-Origin = "*";
  set resp.http.Cross-Origin-Resource-Policy = "cross-origin";
  set resp.http.X-Content-Type-Options = "nosniff";
  set resp.http.Timing-Allow-Origin = "*";
  unset resp.http.Via;
  unset resp.http.X-Varnish;
  unset resp.http.Server;
}

sub vcl_synth {
  set resp.http.Content-Type = "text/plain; charset=utf-8";
  set resp.http.Access-Control-Allow-Origin = "*";
  set resp.http.X-Cache = "@NAME@; answered";
  if (resp.status == 405) { set resp.http.Allow = "GET, HEAD"; }
  set resp.body = "@NAME@: " + resp.status + " " + resp.reason + {"
"};
  return (deliver);
}
