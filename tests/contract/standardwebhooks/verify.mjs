// Reads [{secret, body, headers}, …] from standard input; writes whether each is verified.
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

const verified = ({ secret, body, headers }) => {
  try {
    return new Webhook(secret).verify(body, headers).id;
  } catch (error) {
    return String(error.message);
  }
};

console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(verified)));
