// Postroom's realtime client: one ES module without dependencies, for pages and for programs that have `fetch` and
// `WebSocket`. It tells of every change of the collections that it follows, each once and in order, whatever becomes of
// the connection.
//
//   import { Realtime } from "/assets/realtime.js";
//
//   const live = new Realtime({ base: "https://postroom.example", headers: () => ({ "X-Api-Key": key }) });
//   live.addEventListener("state", ({ detail }) => console.log(detail.state, detail.since));
//   live.addEventListener("change", ({ detail }) => console.log(detail.collection, detail.change.seq, detail.change.op));
//   live.follow("0198…", 41); // everything after change 41
//
// Options: `base` (where Postroom is; nothing: this page's own), `headers` (an object or a function: what its requests
// carry, such as a key), `fetch` and `WebSocket` (instead of the global ones).
//
// Events, each with its `detail`:
//   state   {state, since?, why?}  `connecting` (for the first time), `live`, `offline` (since a Date; it tries again after
//           1, 2, 4 … 30 seconds, each a random part shorter), `error` (`why`: `signed_out`, which is final, or `server`,
//           which is tried again). Also as `live.state`.
//   change  {collection, change}   the change as `GET /api/collections/{id}/changes` has it. What was left out of a frame
//           because of its size, and what was missed, is fetched from there.
//   gone    {collection}           it can be seen no longer, and is not followed any more.
//   open    {}                     a connection was opened: what is to be said on each is sent now.
//   frame   {type, data, …}        every frame as it came: presence, comments, that the session ends soon.
//
// Collections that one has subscribed to are followed without `follow`, from the first change on that comes.

/** What a change means for somebody who has seen `last` (the same rule as the server's). */
export function step(last, seq) {
  if (seq <= last) return "ignore";
  return seq === last + 1 ? "apply" : "catch up";
}

const PING = 240_000; // API Gateway closes what says nothing for ten minutes
const PONG = 15_000;
const LONGEST = 30_000;

export class Realtime extends EventTarget {
  #options;
  #seen = new Map(); // collection → number of the last change that was told
  #work = new Map(); // collection → what is being done about its changes
  #socket = null;
  #attempts = 0;
  #timers = {};
  #lost = null;
  #over = false; // signed out, or closed
  #urgent = false;

  /** Where it stands: the detail of the last `state`. */
  state = { state: "connecting" };

  constructor({ base = "", headers = {}, ...own } = {}) {
    super();
    this.#options = { base, headers, fetch: own.fetch ?? ((...asked) => fetch(...asked)), WebSocket: own.WebSocket ?? globalThis.WebSocket };
  }

  /** Tells of the changes of a collection after number `seq`, or, where it is followed already, of none up to that. */
  follow(collection, seq) {
    const known = this.#seen.get(collection);
    this.#seen.set(collection, Math.max(known ?? 0, seq));
    if (known === undefined) this.#subscribe(collection);
    if (!this.#lost) this.#connect();
  }

  /** Tells of a collection no longer. */
  unfollow(collection) {
    this.#seen.delete(collection);
    this.send({ action: "unsubscribe", collection });
  }

  /** The number of the last change of a collection that was told; `undefined`: it is not followed. */
  seen(collection) {
    return this.#seen.get(collection);
  }

  /** Sends a message of one's own, where there is a connection; what is to be said on each is sent at `open`. */
  send(message) {
    if (this.#socket?.readyState !== 1) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Tries at once instead of waiting, or looks whether the connection still lives: the network is back, or somebody looks. */
  wake() {
    if (this.#socket) return void this.#ping();
    this.#attempts = 0;
    this.#connect();
  }

  /** The network is gone: says so, whatever the connection believes. */
  sleep() {
    if (this.#seen.size) this.#offline();
  }

  /** Closes the connection; `wake` opens it again. */
  close() {
    clearTimeout(this.#timers.retry);
    clearTimeout(this.#timers.pong);
    clearInterval(this.#timers.ping);
    const open = this.#socket;
    this.#socket = null;
    open?.close();
  }

  #tell(type, detail = {}) {
    this.dispatchEvent(Object.assign(new Event(type), { detail }));
  }

  #enter(state, more = {}) {
    const { state: before, why, since } = this.state;
    this.state = { state, ...more };
    if (state !== before || more.why !== why || more.since !== since || state === "connecting") this.#tell("state", this.state);
  }

  /** Asks the API: the answer's status (0: nobody answered) and its JSON. */
  async #ask(method, path) {
    const { base, headers, fetch } = this.#options;
    const given = typeof headers === "function" ? await headers() : headers;
    try {
      const answer = await fetch(base + path, {
        method,
        headers: { Accept: "application/json", ...(method === "POST" && { "Content-Type": "application/json" }), ...given },
        body: method === "POST" ? "{}" : undefined,
      });
      return { ok: answer.ok, status: answer.status, body: await answer.json().catch(() => ({})) };
    } catch {
      return { ok: false, status: 0, body: {} };
    }
  }

  async #connect() {
    clearTimeout(this.#timers.retry);
    if (this.#socket || this.#over || this.#seen.size === 0) return;
    if (!this.#lost) this.#enter("connecting");
    const opening = (this.#socket = { readyState: 0, close() {} });
    const { ok, status, body } = await this.#ask("POST", "/api/realtime/tickets");
    if (this.#socket !== opening) return;
    this.#socket = null;
    if (status === 401 || status === 403) return this.#end();
    // 0: nobody answers. Anything else is an answer that says that something is wrong, which time may mend, too.
    if (!ok) {
      this.#later();
      if (status !== 0) this.#enter("error", { why: "server", since: this.#lost });
      return;
    }
    const mine = (this.#socket = new this.#options.WebSocket(`${body.url}${body.url.includes("?") ? "&" : "?"}ticket=${encodeURIComponent(body.ticket)}`));
    mine.addEventListener("open", () => {
      clearInterval(this.#timers.ping);
      this.#timers.ping = setInterval(() => this.#ping(), PING);
      for (const collection of this.#seen.keys()) this.#subscribe(collection);
      this.#tell("open");
    });
    mine.addEventListener("message", ({ data }) => this.#socket === mine && this.#heard(JSON.parse(data)));
    mine.addEventListener("close", () => {
      if (this.#socket !== mine) return;
      this.close();
      if (!this.#over) this.#later();
    });
  }

  #subscribe(collection) {
    this.send({ action: "subscribe", collection, since: this.#seen.get(collection) });
  }

  #ping() {
    if (!this.send({ action: "ping" })) return;
    clearTimeout(this.#timers.pong);
    // A connection that does not answer may take minutes to say that it is closed.
    this.#timers.pong = setTimeout(() => {
      this.close();
      this.#later();
    }, PONG);
  }

  #offline() {
    this.#lost ??= new Date();
    this.#enter("offline", { since: this.#lost });
  }

  /** So that a restart is not met by everyone at once, each wait is a random part shorter. */
  #later() {
    this.#offline();
    const longest = this.#urgent ? 0 : Math.min(LONGEST, 1000 * 2 ** this.#attempts++);
    this.#urgent = false;
    clearTimeout(this.#timers.retry);
    this.#timers.retry = setTimeout(() => this.#connect(), longest * (0.5 + Math.random() / 2));
  }

  #live() {
    clearTimeout(this.#timers.pong);
    this.#attempts = 0;
    this.#lost = null;
    this.#enter("live");
  }

  #end() {
    this.#over = true;
    this.close();
    this.#enter("error", { why: "signed_out" });
  }

  #heard(frame) {
    const { type, data } = frame;
    if (type === "postroom.pong" || type === "postroom.subscribed") this.#live();
    if (type === "postroom.subscribed" && !data.item) this.#behind(data.collection, data.head);
    if (type === "postroom.pong") for (const [collection, head] of Object.entries(data.heads ?? {})) this.#behind(collection, head);
    if (type === "postroom.collection.changed") this.#changed(data);
    if (type === "postroom.error" && data.code === "not_found" && data.about?.action === "subscribe") this.#gone(data.about.collection);
    this.#tell("frame", frame);
    // A connection that is only too old is opened again at once; a session that has ended is not.
    if (type === "postroom.session.ended" && data.why === "connection") this.#urgent = true;
    else if (type === "postroom.session.ended" || (type === "postroom.error" && data.code === "session_gone")) this.#end();
  }

  #gone(collection) {
    if (this.#seen.delete(collection)) this.#tell("gone", { collection });
  }

  /** One thing after the other for each collection, so that changes are told in order. */
  #queue(collection, work) {
    const after = (this.#work.get(collection) ?? Promise.resolve()).then(work);
    this.#work.set(collection, after.catch((error) => console.error(error)));
  }

  #behind(collection, head) {
    this.#queue(collection, () => this.#seen.get(collection) < head && this.#catchUp(collection));
  }

  #changed(change) {
    const { collection, seq } = change;
    this.#queue(collection, () => {
      if (!this.#seen.has(collection)) this.#seen.set(collection, seq - 1);
      const move = step(this.#seen.get(collection), seq);
      if (move === "ignore") return undefined;
      return move === "apply" && !change.omitted ? this.#apply(collection, change) : this.#catchUp(collection);
    });
  }

  #apply(collection, change) {
    if (step(this.#seen.get(collection) ?? Infinity, change.seq) === "ignore") return;
    this.#seen.set(collection, change.seq);
    this.#tell("change", { collection, change });
  }

  /** Fetches what was missed. What cannot be had now is found missing again with the next frame, ping or connection. */
  async #catchUp(collection) {
    for (;;) {
      const since = this.#seen.get(collection);
      if (since === undefined) return;
      const { ok, status, body } = await this.#ask("GET", `/api/collections/${encodeURIComponent(collection)}/changes?since=${since}&limit=100`);
      if (status === 403 || status === 404) return this.#gone(collection);
      if (!ok) return;
      for (const change of body.changes) this.#apply(collection, change);
      if (body.changes.length === 0 || this.#seen.get(collection) >= body.head) return;
    }
  }
}
