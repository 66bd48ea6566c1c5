// The least that listens: what start-up time and memory at rest are compared with.

import { createServer } from "node:http";

createServer((request, response) => response.end()).listen(process.env.PORT, "127.0.0.1");
