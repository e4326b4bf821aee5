import java.math.BigInteger;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import photomesh.ApiClient;
import photomesh.ApiException;
import photomesh.api.AccountsApi;
import photomesh.api.CommentsApi;
import photomesh.api.FeedApi;
import photomesh.api.PeopleApi;
import photomesh.api.PhotosApi;
import photomesh.api.PostsApi;
import photomesh.api.UploadsApi;
import photomesh.model.AccountCreate;
import photomesh.model.AccountSession;
import photomesh.model.AltText;
import photomesh.model.AltTextUpdate;
import photomesh.model.CommentCreate;
import photomesh.model.CommentPage;
import photomesh.model.FeedPost;
import photomesh.model.Photo;
import photomesh.model.PlaceInput;
import photomesh.model.Post;
import photomesh.model.PostCreate;
import photomesh.model.PostPhoto;
import photomesh.model.PostUpdate;
import photomesh.model.SentPart;
import photomesh.model.UploadComplete;
import photomesh.model.UploadCreate;
import photomesh.model.UploadUrls;

/** Register, upload, post, edit, follow, read the feed, comment and page, with the client of openapi-generator. */
public final class Journey {
  private static final HttpClient STORAGE = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private record Person(String id, ApiClient client) {}

  private static void same(Object found, Object wanted) {
    if (!Objects.equals(found, wanted)) {
      throw new AssertionError("found " + found + " instead of " + wanted);
    }
  }

  private static String random() {
    return new BigInteger(48, new SecureRandom()).toString(16);
  }

  private static ApiClient clientOf(String url) {
    ApiClient client = new ApiClient();
    client.updateBaseUri(url);
    return client;
  }

  private static Person register(String url, String name) throws ApiException {
    String username = name + "_" + random();
    AccountSession session =
        new AccountsApi(clientOf(url))
            .registerAccount(
                new AccountCreate()
                    .username(username)
                    .email(username + "@example.com")
                    .password("correct horse battery"),
                null);
    ApiClient client = clientOf(url);
    client.setRequestInterceptor(r -> r.header("Authorization", "Bearer " + session.getAccessToken()));
    return new Person(session.getUser().getId(), client);
  }

  private static String put(URI target, byte[] content, Map<String, String> headers) throws Exception {
    HttpRequest.Builder request = HttpRequest.newBuilder(target).PUT(HttpRequest.BodyPublishers.ofByteArray(content));
    headers.forEach(request::header);
    HttpResponse<String> answer = STORAGE.send(request.build(), HttpResponse.BodyHandlers.ofString());
    same(answer.statusCode(), 200);
    return answer.headers().firstValue("ETag").orElseThrow();
  }

  private static String upload(Person person, String file) throws Exception {
    byte[] content = Files.readAllBytes(Path.of(file));
    UploadsApi uploads = new UploadsApi(person.client());
    UploadUrls begun =
        uploads.createUpload(
            new UploadCreate()
                .filename("photo.jpg")
                .sizeBytes((long) content.length)
                .contentType(UploadCreate.ContentTypeEnum.IMAGE_JPEG),
            null);
    List<SentPart> parts = new ArrayList<>();
    if (begun.getParts() == null) {
      String etag = put(begun.getPresignedUrl(), content, begun.getHeaders());
      parts.add(new SentPart().partNumber(1L).etag(etag));
    } else {
      for (var part : begun.getParts()) {
        int start = (int) ((part.getPartNumber() - 1) * begun.getPartSize());
        byte[] piece = Arrays.copyOfRange(content, start, start + part.getSizeBytes().intValue());
        String etag = put(part.getPresignedUrl(), piece, begun.getHeaders());
        parts.add(new SentPart().partNumber(part.getPartNumber()).etag(etag));
      }
    }
    same(parts.size() > 1, content.length > 5_000_000);
    return uploads.completeUpload(begun.getId(), new UploadComplete().parts(parts)).getPhotoId();
  }

  private static <T> T until(Callable<T> attempt) throws Exception {
    for (int tries = 0; tries < 150; tries++) {
      T found = attempt.call();
      if (found != null) {
        return found;
      }
      Thread.sleep(200);
    }
    throw new AssertionError("gave up waiting");
  }

  private static List<String> photosOf(List<PostPhoto> photos) {
    return photos.stream().map(PostPhoto::getId).toList();
  }

  public static void main(String[] arguments) throws Exception {
    String url = arguments[0];
    Person ada = register(url, "ada");
    Person grace = register(url, "grace");

    List<String> photoIds = List.of(upload(ada, arguments[2]), upload(ada, arguments[1]));
    PhotosApi photos = new PhotosApi(ada.client());
    for (String id : photoIds) {
      Photo photo =
          until(
              () -> {
                Photo found = photos.getPhoto(id, null);
                return found.getStatus().equals("ready") ? found : null;
              });
      same(photo.getMetadata().getTakenAt(), "2026-11-21T10:09:08");
      same(photo.getCreatedAt().getOffset().getTotalSeconds(), 0);
      same(photo.getVariants().get("640").isAbsolute(), true);
    }

    new PeopleApi(grace.client()).follow(ada.id());
    PostsApi posts = new PostsApi(ada.client());
    Post post =
        posts.createPost(
            new PostCreate()
                .photoIds(photoIds)
                .caption("Two lakes #sunset")
                .place(new PlaceInput().name("Lake Como").latitude(46.016).longitude(9.257))
                .addAltTextsItem(new AltText().photoId(photoIds.get(0)).text("A lake")),
            random());
    same(photosOf(post.getPhotos()), photoIds);

    Post edited =
        posts.editPost(
            post.getId(),
            new PostUpdate().addAltTextsItem(new AltTextUpdate().photoId(photoIds.get(1)).text("Another lake")),
            null);
    same(edited.getCaption(), "Two lakes #sunset");
    same(edited.getPlace().getName(), "Lake Como");
    same(edited.getPhotos().stream().map(PostPhoto::getAltText).toList(), List.of("A lake", "Another lake"));
    edited = posts.editPost(post.getId(), new PostUpdate().caption("Two lakes #dusk").place(null), null);
    same(edited.getPlace(), null);
    same(edited.getHashtags(), List.of("dusk"));

    FeedApi feed = new FeedApi(grace.client());
    FeedPost seen =
        until(
            () ->
                feed.getFeed("chronological", null, null, null).getItems().stream()
                    .filter(item -> item.getId().equals(post.getId()))
                    .findFirst()
                    .orElse(null));
    same(photosOf(seen.getPhotos()), photoIds);

    for (String text : List.of("one", "two", "three")) {
      new CommentsApi(grace.client()).writeComment(post.getId(), new CommentCreate().text(text), null);
    }
    List<String> read = new ArrayList<>();
    CommentsApi comments = new CommentsApi(ada.client());
    String cursor = null;
    do {
      CommentPage page = comments.listComments(post.getId(), 2L, cursor, null);
      page.getItems().forEach(comment -> read.add(comment.getText()));
      cursor = page.getNextCursor();
    } while (cursor != null);
    same(read, List.of("three", "two", "one"));

    try {
      posts.getPost("o_1", null);
      throw new AssertionError("found what does not exist");
    } catch (ApiException missing) {
      same(missing.getCode(), 404);
    }
    System.out.println("the journey is over");
  }
}
