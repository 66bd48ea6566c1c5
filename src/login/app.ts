// The login application: the article's routes, and the controllers behind them.

import { serializeCookie } from "../cookie.ts";
import { HttpError, json, redirect, status, withCookie, withHeaders } from "../reply.ts";
import type { Reply } from "../reply.ts";
import type { Request } from "../request.ts";
import { get, group, post } from "../router.ts";
import type { Controller, Endpoint } from "../router.ts";
import { allow, anyone, deny, isDeliberateVisit, isSafeMethod } from "../security.ts";
import type { Security } from "../security.ts";
import type { SessionManager } from "../session-manager.ts";
import { describeBrowser } from "./browser-name.ts";
import { usernamePassword } from "./username-password.ts";
import type { Login, LoginChecks } from "./username-password.ts";
import { homePage, loginPage, logoutPage, sessionsPage } from "./views.ts";

/** What the application is made of. */
export interface LoginParts extends LoginChecks {
  readonly sessions: SessionManager;
  readonly clock: () => number;
}

// The back button shows a page again unless cookies have changed since; and of the page that came
// with the login, Chromium overlooks the first change (version 156). So this cookie is a second
// change; and not Secure, or over plain http a browser would drop it.
const loggedOut = serializeCookie("logged_out", "1", {
  path: "/",
  maxAge: 1,
  httpOnly: true,
  sameSite: "lax",
});

const nothingDone = "Your session had ended already: this changed nothing. Log in to go on.";

/** Lets in whoever has a session, and denies others with this reply. */
function loggedIn(denial: Reply): Security<Login> {
  return async ({ method, session }) => {
    const username = await session.get("username");
    if (username !== undefined) return allow({ username });
    // A redirection would look like that of a form that was carried out: "Log out everywhere".
    if (!isSafeMethod(method)) throw new HttpError(401, nothingDone);
    return deny(denial);
  };
}

const showLogin: Controller = () => loginPage();

const showHome: Controller<Login> = (_request, { username }) => homePage({ username });

const showProfile: Controller<Login> = (_request, { username }) => json({ username });

const heartbeat: Controller = () => status(200);

const logIn: Controller<Login> = ({ session, headers }, { username }) => {
  session.start(username);
  session.set("username", username);
  session.set("browser", describeBrowser(headers["user-agent"]));
  return redirect("/");
};

/** Makes the application's routes. */
export function loginRoutes(parts: LoginParts): readonly Endpoint[] {
  const { sessions, log, clock } = parts;

  const logOut: Controller = async ({ session, address }) => {
    const user = await session.get("username");
    const handle = await session.handle();
    session.destroy();
    // Not "cookies": it would clear those of other applications of the same site.
    const reply = withHeaders(redirect("/login"), { "Clear-Site-Data": '"cache", "storage"' });
    if (user === undefined) return reply;
    log("info", "logout", { address, user, session: handle });
    return withCookie(reply, loggedOut);
  };

  const visitLogOut: Controller = (request, auth) =>
    isDeliberateVisit(request.method, request.headers) ? logOut(request, auth) : logoutPage();

  const showSessions: Controller<Login> = async ({ session }, { username }) => {
    const current = await session.handle();
    const notice = await session.get("notice");
    if (notice !== undefined) session.delete("notice");
    const list = await sessions.list(username);
    return sessionsPage({ username, sessions: list, current, now: clock(), notice });
  };

  function tellEnded({ session, address }: Request, user: string, count: number): Reply {
    log("info", "sessions-ended", { address, user, count });
    const notices = ["That had ended already.", "1 session was ended."];
    session.set("notice", notices[count] ?? `${count} sessions were ended.`);
    return redirect("/sessions");
  }

  const endSession: Controller<Login> = async (request, { username }) => {
    const handle = (await request.form()).get("handle") ?? "";
    return tellEnded(request, username, await sessions.end(username, handle));
  };

  const endOthers: Controller<Login> = async (request, { username }) => {
    const current = await request.session.handle();
    return tellEnded(request, username, await sessions.endAll(username, current));
  };

  const endAll: Controller<Login> = async (request, { username }) => {
    const count = await sessions.endAll(username);
    log("info", "sessions-ended", { address: request.address, user: username, count });
    return logOut(request, undefined);
  };

  return [
    ...group({
      prefix: "",
      security: anyone,
      routes: [
        get("/login", showLogin),
        get("/heartbeat", heartbeat),
        get("/logout", visitLogOut),
        post("/logout", logOut),
      ],
    }),
    ...group({ prefix: "", security: usernamePassword(parts), routes: [post("/login", logIn)] }),
    ...group({ prefix: "", security: loggedIn(redirect("/login")), routes: [get("/", showHome)] }),
    ...group({
      prefix: "",
      security: loggedIn(json({ error: "Log in first." }, 401)),
      routes: [get("/profile", showProfile)],
    }),
    ...group({
      prefix: "/sessions",
      security: loggedIn(redirect("/login")),
      routes: [
        get("", showSessions),
        post("/end", endSession),
        post("/end-others", endOthers),
        post("/end-all", endAll),
      ],
    }),
  ];
}
