// The security function of the login form: who sent it, if the password is right.

import { status, withHeaders } from "../reply.ts";
import { allow, deny } from "../security.ts";
import type { Decision, Security } from "../security.ts";
import { pageOrJson } from "./error-page.ts";
import { causeOf } from "./log.ts";
import type { Log } from "./log.ts";
import { maxPasswordBytes, passwordBytes } from "./password.ts";
import { PasswordCheckerBusyError } from "./password-checker.ts";
import type { PasswordChecker } from "./password-checker.ts";
import type { LoginThrottle } from "./throttle.ts";
import { isUserName } from "./users.ts";
import type { UserStore } from "./users.ts";
import { loginPage } from "./views.ts";

/** What a security function establishes here: who is logged in. */
export interface Login {
  readonly username: string;
}

/** What the login form is checked with. */
export interface LoginChecks {
  readonly users: UserStore;
  readonly passwords: PasswordChecker;
  readonly throttle: LoginThrottle;
  readonly log: Log;
}

/**
 * Checks the fields `username` and `password` of a form. The answer is the same whether the name
 * is known or not, and a throttled one the same for right and wrong passwords.
 */
export function usernamePassword(checks: LoginChecks): Security<Login> {
  const { users, passwords, throttle, log } = checks;
  return async (request) => {
    const { address, headers } = request;
    const form = await request.form();
    const username = form.get("username") ?? "";
    const password = form.get("password") ?? "";

    function refuse(status: number, error: string, retryAfter?: number): Decision<Login> {
      const page = loginPage({ username, error, status });
      const reply = pageOrJson(page, error, headers.accept);
      if (retryAfter === undefined) return deny(reply);
      return deny(withHeaders(reply, { "Retry-After": String(retryAfter) }));
    }

    // Housekeeping: no login fails because of it, and the next one tries again.
    async function renew(passwordHash: string): Promise<void> {
      if (users.renew === undefined || !passwords.needsRenewal(passwordHash)) return;
      try {
        await users.renew(username, await passwords.hash(password, request));
      } catch (error) {
        log("warn", "renewal-failed", { address, user: username, cause: causeOf(error) });
      }
    }

    // What nobody can have costs no hash, and is no try: a flood would fill the throttle.
    if (!isUserName(username) || passwordBytes(password).length > maxPasswordBytes) {
      log("warn", "login-failed", { address });
      return refuse(401, wrongLogin);
    }
    const attempt = throttle.attempt(username, address);
    if (!attempt.allowed) {
      log("warn", "login-throttled", { address });
      const { retryAfter } = attempt;
      return refuse(429, `Too many tries. Seconds to wait: ${retryAfter}.`, retryAfter);
    }
    try {
      // A store that is not written in TypeScript may answer null for nobody.
      const passwordHash = (await users.findHash(username)) ?? undefined;
      const isRight = await passwords.check(password, passwordHash, request);
      if (passwordHash === undefined || !isRight) {
        // Only a name that exists is logged: people type passwords into the wrong field.
        const user = passwordHash === undefined ? undefined : username;
        log("warn", "login-failed", { address, user });
        return refuse(401, wrongLogin);
      }
      await renew(passwordHash);
      attempt.succeed();
      log("info", "login", { address, user: username });
      // After a second click on the button, say: nobody would ever hear of this session.
      if (request.hasLeft) return deny(status(400));
      return allow({ username });
    } catch (error) {
      attempt.release();
      if (!(error instanceof PasswordCheckerBusyError)) throw error;
      log("warn", "login-busy", { address });
      return refuse(503, "Too many people log in right now. Try again soon.", error.retryAfter);
    }
  };
}

const wrongLogin = "User name or password is wrong.";
