// SPDX-License-Identifier: MIT
// calls.mjs - the few API calls that a measurement prepares itself with.
export async function call(port, path, cookie, body) {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { "content-type": "application/json", ...(cookie ? { cookie } : {}) },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return {
    status: answer.status,
    cookie: answer.headers.getSetCookie()[0]?.split(";")[0],
    text: await answer.text(),
  };
}

/** Player 1 is p0001 of demoGame().  Resolves with the cookie and the answer. */
export async function login(port, number) {
  const digits = String(number).padStart(4, "0");
  const { status, cookie, text } = await call(port, "/api/login", undefined, {
    username: `p${digits}`,
    password: `pass-${digits}`,
  });
  if (status !== 200) {
    throw new Error(`login: ${status} ${text}`);
  }
  return { cookie, ...JSON.parse(text) };
}
