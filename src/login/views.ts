// The pages a visitor sees: pure functions from what there is to say to a Reply.

import { html } from "../reply.ts";
import type { Html, Reply } from "../reply.ts";
import type { ListedSession } from "../session-manager.ts";
import { layout } from "./layout.ts";

/** What the login page says besides the form. */
export interface LoginView {
  /** The name that was typed, kept for the next try. */
  readonly username?: string;
  /** Why the last try was refused, in words for the visitor. */
  readonly error?: string;
  readonly status?: number;
}

/** Shows the login form, after a refused try with its reason; 200 unless a status is given. */
export function loginPage({ username = "", error, status }: LoginView = {}): Reply {
  const refused = error !== undefined;
  const alert = refused ? html`<p class="note" id="error" role="alert">${error}</p>` : "";
  const described = refused ? html` aria-describedby="error"` : "";
  // The cursor waits where the visitor types next: in the password once the name is known.
  const [onName, onPassword] = username === "" ? [" autofocus", ""] : ["", " autofocus"];
  return layout("Log in", html`<h1>Log in</h1>
${alert}
<form class="login" method="post" action="/login">
<label for="username">User name</label>
<input id="username" name="username" value="${username}" autocomplete="username"
 autocapitalize="none" spellcheck="false" required${described}${onName}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password"
 required${described}${onPassword}>
<button class="main">Log in</button>
</form>`, status);
}

/** Greets the user by name, and leads to what a logged-in user can do. */
export function homePage({ username }: { readonly username: string }): Reply {
  return layout("Home", html`<h1>Hello, ${username}</h1>
<p>You are logged in.</p>
<ul>
<li><p><a href="/sessions">Your sessions</a><br>
<span class="soft">Where you are logged in</span></p></li>
<li><p><a href="/profile">Your profile</a><br>
<span class="soft">What a program sees: JSON</span></p></li>
</ul>
<form method="post" action="/logout"><button>Log out</button></form>`);
}

/** What the sessions page shows; a notice says what the last click did. */
export interface SessionsView {
  readonly username: string;
  readonly sessions: readonly ListedSession[];
  /** The handle of the session that asks. */
  readonly current: string | undefined;
  readonly now: number;
  readonly notice?: string | undefined;
}

/** Lists the user's sessions, with a button to end each one, all others, or all. */
export function sessionsPage(view: SessionsView): Reply {
  const { username, sessions, current, now, notice } = view;
  const status = notice === undefined ? "" : html`<p class="note" role="status">${notice}</p>`;
  const others = sessions.some(({ handle }) => handle !== current)
    ? html`<form method="post" action="/sessions/end-others"><button>End all others</button></form>`
    : "";
  return layout("Your sessions", html`<h1>Your sessions</h1>
${status}
<p>These browsers are logged in as ${username}. End any you do not know.</p>
<ul>
${sessions.map((session) => sessionItem(session, session.handle === current, now))}
</ul>
<div class="row">
${others}
<form method="post" action="/sessions/end-all"><button>Log out everywhere</button></form>
</div>
<p><a href="/">Back to the first page</a></p>`);
}

/** Asks before logging out: for a visit that another site or a prefetch may have caused. */
export function logoutPage(): Reply {
  return layout("Log out", html`<h1>Log out?</h1>
<p>Another site may have sent you here, so nothing has changed yet.</p>
<div class="row">
<form method="post" action="/logout"><button class="main">Log out</button></form>
<a href="/">Stay logged in</a>
</div>`);
}

function sessionItem(session: ListedSession, isCurrent: boolean, now: number): Html {
  const { handle, data, createdAt, lastSeenAt, expiresAt } = session;
  const browser = data.get("browser") ?? "An unknown browser";
  const badge = isCurrent ? html` <span class="badge">This browser</span>` : "";
  const form = isCurrent
    ? html`<form method="post" action="/logout"><button>Log out</button></form>`
    : html`<form method="post" action="/sessions/end">
<input type="hidden" name="handle" value="${handle}">
<button aria-describedby="${handle}">End session</button>
</form>`;
  // A clock that is behind, or was set back, would say that it starts in an hour.
  const started = time(Math.min(createdAt, now), now);
  const seen = time(Math.min(lastSeenAt, now), now);
  return html`<li class="session">
<p id="${handle}"><strong>${browser}</strong>${badge}<br>
<span class="soft">Started ${started}, last seen ${seen}.<br>
Ends ${time(expiresAt, now)} if not used.</span></p>
${form}
</li>
`;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** A moment as seen from now: "5 minutes ago", "in 2 hours". */
function time(moment: number, now: number): Html {
  const distance = Math.abs(moment - now);
  const [length, unit] =
    distance < hour ? [minute, "minute"] : distance < day ? [hour, "hour"] : [day, "day"];
  const count = Math.floor(distance / length);
  const span = count === 1 ? `1 ${unit}` : `${count} ${unit}s`;
  const relative = moment < now ? `${span} ago` : `in ${span}`;
  const words = count === 0 ? "this minute" : relative;
  return html`<time datetime="${new Date(moment).toISOString()}">${words}</time>`;
}
