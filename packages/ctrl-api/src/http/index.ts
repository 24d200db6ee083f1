/** HTTP/1.1 messages as bytes (RFC 9112): what readers of answers and requests share. Plain ECMAScript, without a socket of its own. */
export { type Answer, type AnswerHead, parseAnswerHead, readAnswer } from './answer.ts';
export { Body, type ByteSource, type Framing } from './body.ts';
export { joined, latin1 } from './bytes.ts';
export { type Head, type HeadProblem, parseHead } from './head.ts';
