import { expectError, expectType } from "tsd";
import * as websocket from "../src/index.ts";

// Constants have the types of their values.
expectType<1>(websocket.TEXT);
expectType<2>(websocket.BINARY);
expectType<"text">(websocket.TYPE_TEXT);
expectType<"binary">(websocket.TYPE_BINARY);
expectType<"ping">(websocket.TYPE_PING);
expectType<"pong">(websocket.TYPE_PONG);
expectType<"close">(websocket.TYPE_CLOSE);
expectType<1 | 2>({} as websocket.MessageType);

expectType<0>(websocket.COMPRESSION.DISABLED);
expectType<1>(websocket.COMPRESSION.CONTEXT_TAKEOVER);
expectType<2>(websocket.COMPRESSION.NO_CONTEXT);
expectType<0 | 1 | 2>({} as websocket.Compression);

expectType<1000>(websocket.CLOSE_CODES.NORMAL);
expectType<1001>(websocket.CLOSE_CODES.GOING_AWAY);
expectType<1002>(websocket.CLOSE_CODES.PROTOCOL_ERROR);
expectType<1003>(websocket.CLOSE_CODES.UNSUPPORTED_DATA);
expectType<1005>(websocket.CLOSE_CODES.NO_STATUS);
expectType<1006>(websocket.CLOSE_CODES.ABNORMAL_CLOSURE);
expectType<1007>(websocket.CLOSE_CODES.INVALID_PAYLOAD);
expectType<1008>(websocket.CLOSE_CODES.POLICY_VIOLATION);
expectType<1009>(websocket.CLOSE_CODES.MESSAGE_TOO_BIG);
expectType<1011>(websocket.CLOSE_CODES.INTERNAL_ERROR);
expectType<1012>(websocket.CLOSE_CODES.SERVICE_RESTART);
expectType<1013>(websocket.CLOSE_CODES.TRY_AGAIN_LATER);

// They cannot be changed, and there are no others.
expectError((websocket.CLOSE_CODES.NORMAL = 1001));
expectError((websocket.COMPRESSION.DISABLED = 1));
expectError(websocket.CLOSE_CODES.TLS_HANDSHAKE);

// The phases an error can name.
expectType<"dns" | "tcp" | "tls" | "http" | "open" | "closing">({} as websocket.Phase);
