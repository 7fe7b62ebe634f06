// Postroom's console: the module that its pages load. The pages are whole without it, for reading.
// It sends forms as JSON, imports files, and keeps what is shown up to date: a WebSocket frame says *that* a
// collection changed, the page itself, fetched again, says what it looks like now.

import { Realtime } from "./realtime.js";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/** Makes an element. Text is always text: nothing here parses HTML that a person wrote. */
function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// ---- toasts and questions ----

function toast(text, kind = "") {
  const close = make("button", { type: "button", "aria-label": "Dismiss" }, "×");
  const node = make("div", { class: `toast ${kind}` }, make("span", {}, text), close);
  close.addEventListener("click", () => node.remove());
  $("[data-toasts]").append(node);
  setTimeout(() => node.matches(":hover, :focus-within") || node.remove(), kind === "bad" ? 12000 : 5000);
  while ($$(".toast").length > 4) $(".toast").remove();
}

function confirmed(text, yes) {
  const dialog = $("[data-ask]");
  $("[data-ask-text]", dialog).textContent = text;
  $("[data-ask-yes]", dialog).textContent = yes || "Yes";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((answer) => dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"), { once: true }));
}

// ---- several accounts ----

// Each tab stays with its account: the page says whose it is, requests name it, and the tab that one looks at tells the
// browser whose pages links lead to.
const account = $('meta[name="postroom-account"]')?.content;
const asAccount = account ? { "X-Postroom-Account": account } : {};

function choose(id) {
  document.cookie = `postroom_account=${id}; Path=/; SameSite=Lax${location.protocol === "https:" ? "; Secure" : ""}`;
}

/** From here on the tab may be another account's. */
function leave() {
  sessionStorage.removeItem("account");
}

/** A page of another account than the tab's (a restored tab, a link in two tabs at once) is fetched again as the tab's. */
function stay() {
  const mine = sessionStorage.getItem("account");
  const tries = Number(sessionStorage.getItem("tries"));
  if (!account) return;
  if (mine && mine !== account && tries < 3) {
    sessionStorage.setItem("tries", tries + 1);
    choose(mine);
    location.reload();
    return;
  }
  sessionStorage.setItem("account", account);
  sessionStorage.removeItem("tries");
  if (document.visibilityState === "visible") choose(account);
}
stay();
window.addEventListener("focus", () => account && choose(account));
document.addEventListener("visibilitychange", () => account && document.visibilityState === "visible" && choose(account));
document.addEventListener("click", (event) => event.target.closest("[data-switch]") && leave());

// ---- talking to the API ----

/** Sends a request; gives {ok, status, etag, body}. `body` of a failure is always a problem with a `detail`. */
async function call(method, path, text, headers = {}) {
  try {
    const answer = await fetch(path, {
      method,
      headers: { Accept: "application/json", "Content-Type": "application/json", "X-Requested-With": "postroom", ...asAccount, ...headers },
      body: method === "GET" || text === undefined ? undefined : text,
    });
    const raw = await answer.text();
    return { ok: answer.ok, status: answer.status, etag: answer.headers.get("ETag"), text: raw, body: parsed(raw, answer) };
  } catch {
    return { ok: false, status: 0, body: { detail: "Postroom cannot be reached. Nothing was changed; please try again." } };
  }
}

function parsed(raw, answer) {
  try {
    return raw === "" ? {} : JSON.parse(raw);
  } catch {
    return { detail: answer.ok ? "" : `The server answered ${answer.status} without saying why.` };
  }
}

/** The API's sentences begin with a small letter. */
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** `{team.id}` in a text, filled from an answer. */
function fill(text, body, wrap = (part) => part) {
  return text.replace(/\{([\w.]+)\}/g, (_, path) => wrap(String(at(body, path) ?? "")));
}
const at = (body, path) => path.split(".").reduce((value, key) => value?.[key], body);

// ---- forms ----

/** A form's fields as JSON: check boxes and `data-truth` are true or false, numbers numbers, a day its last second here, `data-list` an array (`data-each`: of objects with that field), `data-one` an array of one text, a list of several that are chosen an array, `a.b` inside `a`; `data-query` is not among them. */
function fields(form) {
  const body = {};
  for (const field of form.elements) {
    // What the widget of a robot check puts there has names of its own.
    if (!field.name || field.disabled || field.name === "g-recaptcha-response" || (field.type === "radio" && !field.checked)) continue;
    if ("query" in field.dataset) continue;
    const path = field.name.replace(/^(cf-turnstile|h-captcha)-response$/, "robot_token").split(".");
    if (field.type === "checkbox") assign(body, path, field.checked);
    else if ("truth" in field.dataset) assign(body, path, field.value === "true");
    else if (field.type === "number" || "number" in field.dataset) assign(body, path, field.value === "" ? null : Number(field.value));
    else if (field.type === "date" && field.value !== "") assign(body, path, new Date(`${field.value}T23:59:59`).toISOString());
    else if (field.type === "select-multiple") assign(body, path, [...field.selectedOptions].map((option) => option.value));
    else if ("one" in field.dataset) assign(body, path, [field.value]);
    else if ("list" in field.dataset) {
      const list = field.value.split(/[\s,;]+/).filter(Boolean);
      assign(body, path, field.dataset.each ? list.map((one) => ({ [field.dataset.each]: one })) : list);
    }
    else if (field.value !== "" || !("optional" in field.dataset)) assign(body, path, field.value);
  }
  return body;
}

function clearErrors(form) {
  for (const node of $$("[data-error], [data-error-for]", form)) node.textContent = "";
  for (const field of $$("[aria-invalid]", form)) field.removeAttribute("aria-invalid");
}

/** Shows a problem: what names a field beside it, the rest above the form, and moves the focus there. */
function showProblem(form, { status, body }) {
  const rest = [];
  let first = null;
  for (const { pointer = "", detail } of body.errors ?? []) {
    const parts = pointer.split("/").slice(1);
    const name = [parts.join("."), parts[0]].find((known) => known && form.querySelector(`[data-error-for="${CSS.escape(known)}"]`));
    const place = name && form.querySelector(`[data-error-for="${CSS.escape(name)}"]`);
    const field = name && form.elements.namedItem(name);
    if (!place) {
      rest.push(detail);
      continue;
    }
    place.textContent = place.textContent ? `${place.textContent}; ${detail}` : sentence(detail);
    place.id ||= `error-${name}-${Math.random().toString(36).slice(2)}`;
    if (field instanceof HTMLElement) {
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", `${field.getAttribute("aria-describedby") ?? ""} ${place.id}`.trim());
      first ??= field;
    }
  }
  if (!first || rest.length) {
    const text = sentence(rest.length ? rest.join("; ") : body.detail || body.title || "That did not work.");
    const place = $("[data-error]", form);
    if (place) place.textContent = text;
    else toast(text, "bad");
  }
  first?.focus();
  if (status === 401 && $("[data-live]")) toast("You are signed out. Sign in again in another tab, then repeat this.", "bad");
}

/** Runs `work` while a form cannot be sent twice. */
async function busy(form, work) {
  if (form.dataset.sending) return;
  form.dataset.sending = "1";
  const button = $("button:not([type=button])", form);
  button?.setAttribute("aria-busy", "true");
  clearErrors(form);
  try {
    await work();
  } finally {
    delete form.dataset.sending;
    button?.removeAttribute("aria-busy");
  }
}

async function send(form) {
  const { api, then, follow, done, report, reveal, confirm, yes, download } = form.dataset;
  if (confirm && !(await confirmed(confirm, yes))) return;
  await busy(form, async () => {
    const [method, address] = api.split(" ");
    const query = $$("[data-query]", form).map((field) => [field.name, field.value]);
    const path = query.length ? `${address}?${new URLSearchParams(query)}` : address;
    const { as } = form.dataset;
    const answer = await call(method, path, JSON.stringify(fields(form)), as ? { "X-Postroom-Account": as } : {});
    if (answer.body.code === "second_factor_needed" && $("[data-second-factor]")) return askSecondFactor(form, answer.body);
    if (!answer.ok) {
      showProblem(answer.body.code === "challenge_gone" ? backToPassword(form) : form, answer);
      // What a robot check gave is good once.
      for (const widget of [window.turnstile, window.hcaptcha]) widget?.reset?.();
      if (report) showReport(form, answer.body[report] ?? []);
      // A choice that is sent at once goes back to what counts.
      if ($("[data-submit]", form)) form.reset();
      return;
    }
    if (form.dataset.join) {
      // Whoever signs in through an invitation's link joins; with another account the invitation's page asks first.
      const joined = await call("POST", "/api/invites/accept", JSON.stringify({ token: form.dataset.join, email: form.dataset.joinAs }));
      if (joined.ok) return void location.assign(fill("/teams/{team.id}/library", joined.body));
    }
    if ("leave" in form.dataset) leave();
    if (follow) return void location.assign(at(answer.body, follow));
    if (download) keep(answer.text, download);
    if (then) return void location.assign(fill(then, answer.body, encodeURIComponent));
    if (report) showReport(form, answer.body[report] ?? []);
    if (reveal) {
      const secret = at(answer.body, reveal) ?? "";
      $("[data-reveal-text]", form).textContent = Array.isArray(secret) ? secret.join("\n") : secret;
      $("[data-reveal-box]", form).hidden = false;
      const instead = $("[data-reveal-instead]", form);
      if (instead) {
        instead.hidden = true;
        $("[data-reveal-box]", form).focus();
      }
    }
    if (!("keep" in form.dataset)) form.reset();
    if (done) toast(fill(done, answer.body));
    await refresh();
  });
}

/** The password was right: the form for the code takes the place of the one for the password. */
function askSecondFactor(first, { challenge }) {
  const second = $("[data-second-factor]");
  second.elements.challenge.value = challenge;
  second.elements.keep_signed_in.checked = first.elements.keep_signed_in.checked;
  $("[data-first-factor]").hidden = true;
  second.hidden = false;
  second.elements.code.focus();
}

/** The code came too late: from the beginning. */
function backToPassword(second) {
  const first = $("[data-first-factor]");
  second.reset();
  second.hidden = true;
  first.hidden = false;
  return first;
}

/** Gives the reader a text as a file. */
function keep(text, name) {
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

/** Sends the file of a field as it is. */
async function upload(field) {
  const form = field.form;
  const [file] = field.files;
  if (!file) return;
  await busy(form, async () => {
    const [method, path] = field.dataset.upload.split(" ");
    const answer = await call(method, path, file, { "Content-Type": file.type });
    field.value = "";
    if (!answer.ok) return showProblem(form, answer);
    toast(field.dataset.done);
    await refresh();
  });
}

const REFUSED = {
  already_member: "is in the team already",
  already_invited: "has an invitation already",
  not_an_address: "is not an e-mail address",
  no_free_seat: "had no free seat",
};

function showReport(form, invites) {
  const list = $("[data-report-list]", form);
  const sent = invites.filter((invite) => invite.id);
  list.replaceChildren(...invites.filter((invite) => !invite.id).map((invite) =>
    make("li", { class: "error" }, `${invite.email} ${REFUSED[invite.status] ?? "could not be invited"}`)));
  list.hidden = sent.length === invites.length;
  if (sent.length) toast(sent.length === 1 ? `Invitation sent to ${sent[0].email}` : `${sent.length} invitations sent`);
}

/** The same rule as the server's: what a name becomes in a URL. */
const handleOf = (name) => name.replace(/[^A-Za-z0-9]+/g, "-").replace(/^-+/, "").slice(0, 64).replace(/-+$/, "").toLowerCase();

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("[data-api]")) send(form);
  else if (form.matches("[data-search]")) searchNow(form);
  else if (form.matches("[data-go]")) location.assign(`${form.dataset.go}?${new URLSearchParams(new FormData(form))}`);
  else if (form.matches("[data-import-paste]")) importPaste(form);
  else if (form.matches("[data-postman]")) listPostman(form);
  else if (form.matches("[data-postman-choice]")) importPostman(form);
  else if (form.matches("[data-edit-fields], [data-edit-raw]")) save(form);
  else return;
  event.preventDefault();
});

/** Searches as one types: the page's own address says what is looked for, so that it can be kept and sent. */
let typed = null;
function searchNow(form) {
  clearTimeout(typed);
  const asked = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
  history.replaceState(history.state, "", `${form.getAttribute("action")}${asked.size ? `?${asked}` : ""}`);
  return refresh();
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-search] select")) searchNow(event.target.form);
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  if (event.target.matches("[data-import-files]")) importFiles(event.target.files);
  if (event.target.matches("[data-upload]")) upload(event.target);
});

document.addEventListener("input", (event) => {
  const field = event.target;
  if (field.dataset.derive) {
    const other = field.form.elements.namedItem(field.dataset.derive);
    if (!other.dataset.own) other.value = handleOf(field.value);
  } else if (field.matches("[name=handle]")) {
    if (field.value) field.dataset.own = "1";
    else delete field.dataset.own;
  } else if (field.matches("[data-find]")) {
    find(field.value);
  } else if (field.matches("[data-search] input")) {
    clearTimeout(typed);
    typed = setTimeout(searchNow, 150, field.form);
  }
});

document.addEventListener("click", async (event) => {
  for (const menu of $$("[data-menu][open]")) if (!menu.contains(event.target)) menu.open = false;
  const button = event.target.closest("button");
  if (!button) return;
  if ("copy" in button.dataset || button.dataset.copyFrom) {
    await copy(button.dataset.copyFrom ? document.getElementById(button.dataset.copyFrom).textContent : button.dataset.copy);
  } else if (button.dataset.peek) {
    const field = document.getElementById(button.dataset.peek);
    field.type = field.type === "password" ? "text" : "password";
    button.textContent = field.type === "password" ? "Show" : "Hide";
  } else if (button.dataset.unfold) {
    for (const folder of $$("[data-tree] details")) folder.open = button.dataset.unfold === "all";
  }
});

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without TLS a browser has no clipboard for us: an old way works there.
    const field = make("textarea", { class: "sr", readonly: "" });
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  toast("Copied");
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const menu of $$("[data-menu][open]")) {
      menu.open = false;
      $("summary", menu).focus();
    }
  }
  const typing = event.target.matches?.("input, textarea, select");
  const box = $("[data-find], [data-search] input[type=search]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && box) {
    event.preventDefault();
    box.focus();
  }
  if (event.target.closest?.("[data-tree] .tree")) walk(event);
});

/** Arrow keys in a tree: up and down from row to row, right opens, left closes or goes to the folder. */
function walk(event) {
  const rows = $$("[data-tree] .tree .hit").filter((row) => row.checkVisibility());
  const row = event.target.closest(".hit");
  const folder = row?.tagName === "SUMMARY" ? row.parentElement : null;
  let goal = null;
  if (event.key === "ArrowDown") goal = rows[rows.indexOf(row) + 1];
  else if (event.key === "ArrowUp") goal = rows[rows.indexOf(row) - 1];
  else if (event.key === "ArrowRight" && folder && !folder.open) folder.open = true;
  else if (event.key === "ArrowLeft" && folder?.open) folder.open = false;
  else if (event.key === "ArrowLeft") goal = $("summary", (folder ?? row).parentElement.closest("details") ?? document.createElement("i"));
  else return;
  event.preventDefault();
  goal?.focus();
}

function find(text) {
  const wanted = text.trim().toLowerCase();
  for (const row of $$("[data-tree] .tree li[data-key]")) row.hidden = wanted !== "" && !row.textContent.toLowerCase().includes(wanted);
  for (const folder of $$("[data-tree] .tree details").reverse()) {
    const named = $("summary", folder).textContent.toLowerCase().includes(wanted);
    if (wanted && named) for (const row of $$("[hidden]", folder)) row.hidden = false;
    folder.hidden = wanted !== "" && !named && !$("li[data-key]:not([hidden])", folder);
    if (wanted && !folder.hidden && $("li[data-key]:not([hidden])", folder)) folder.open = true;
  }
}

// ---- import ----

async function importFiles(files) {
  for (const file of [...files]) await importOne(file, file.name);
  $("[data-import-files]").value = "";
}

async function importPaste(form) {
  const text = $("textarea", form).value;
  await busy(form, async () => {
    if (await importOne(new Blob([text]), "Pasted text")) form.reset();
  });
}

/** Shows what there is in a Postman account. The key stays in its field. */
async function listPostman(form) {
  const choice = $("[data-postman-choice]");
  await busy(form, async () => {
    const asked = JSON.stringify({ api_key: form.elements.api_key.value });
    const answer = await call("POST", `/api/import/postman/collections?${form.dataset.postman}`, asked);
    choice.hidden = !answer.ok;
    if (!answer.ok) return showProblem(form, answer);
    const { collections } = answer.body;
    const row = ({ uid, name }, index) => {
      const id = `postman-${index}`;
      const box = make("input", { type: "checkbox", id, value: uid, "data-name": name });
      box.checked = true;
      return make("div", { class: "check" }, box, make("label", { for: id }, name));
    };
    const none = make("p", { class: "soft small" }, "There are no collections in it.");
    choice.replaceChildren(
      make("fieldset", { class: "stack-s" }, make("legend", { class: "strong small" }, "Collections"), ...(collections.length ? collections.map(row) : [none])),
      ...(collections.length ? [make("div", { class: "row" }, make("button", { class: "btn primary" }, "Import those chosen"))] : []),
    );
    $("input, p", choice).focus?.();
  });
}

/** Imports what is chosen, one after the other, and says of each what became of it. */
async function importPostman(form) {
  const account = $("[data-postman]");
  const jobs = $("[data-import-jobs]");
  await busy(form, async () => {
    for (const box of $$("input:checked", form)) {
      const said = make("span", { class: "soft" }, "Importing …");
      const job = make("li", {}, make("span", { class: "strong" }, box.dataset.name), make("progress", { "aria-label": `Import of ${box.dataset.name}` }), said);
      jobs.hidden = false;
      jobs.prepend(job);
      const asked = JSON.stringify({ api_key: account.elements.api_key.value, collections: [box.value] });
      const answer = await call("POST", `/api/import/postman?${account.dataset.postman}`, asked);
      $("progress", job).remove();
      const [result] = answer.body.results ?? [];
      if (result?.status !== "imported") {
        said.replaceWith(make("span", { class: "error", role: "alert" }, sentence(result?.reason || answer.body.detail || "The import did not work.")));
        if (answer.status === 422) break;
        continue;
      }
      box.checked = false;
      const { id, name } = result.collection;
      said.replaceWith(make("span", {}, "Imported: ", make("a", { href: `/collections/${encodeURIComponent(id)}` }, name || "open it")));
    }
    await refresh();
  });
}

/** Files beyond this travel in parts: a function takes 6 MB at most. */
const IN_ONE = 4 * 1024 * 1024;

/** Sends bytes. An XMLHttpRequest, because `fetch` does not tell how far an upload is. Resolves with `status` 0 where the connection broke. */
function transfer(method, address, content, headers, progress) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open(method, address);
    request.setRequestHeader("X-Requested-With", "postroom");
    for (const [header, value] of Object.entries({ ...asAccount, ...headers })) request.setRequestHeader(header, value);
    request.upload.addEventListener("progress", (event) => event.lengthComputable && progress?.(event.loaded, event.total));
    request.addEventListener("loadend", () => {
      const { status } = request;
      const broke = { detail: "The connection broke. Nothing was imported; please try again." };
      resolve({ status, ok: status >= 200 && status < 300, body: status ? parsed(request.responseText, { status, ok: false }) : broke });
    });
    request.send(content);
  });
}

/** Large files travel compressed, where they go in one. */
async function packed(file) {
  if (file.size < 256 * 1024 || !("CompressionStream" in window)) return [file, {}];
  const small = await new Response(file.stream().pipeThrough(new CompressionStream("gzip"))).blob();
  return [small, { "Content-Encoding": "gzip" }];
}

/** A file in parts. What the server has of it already, from an attempt that broke off, is not sent again. */
async function importInParts(file, panel, progress) {
  const json = { "Content-Type": "application/json" };
  const memory = `upload ${panel.dataset.uploads} ${file.name ?? ""} ${file.size} ${file.lastModified ?? ""}`;
  const known = sessionStorage.getItem(memory);
  let begun = known ? await transfer("GET", `/api/uploads/${known}`, null, {}) : null;
  if (!begun?.ok) begun = await transfer("POST", panel.dataset.uploads, JSON.stringify({ bytes: file.size }), json);
  if (!begun.ok) return begun;
  const { id, parts, part_bytes: length, received, committed } = begun.body.upload;
  sessionStorage.setItem(memory, id);
  for (let part = 0; part < parts && !committed; part += 1) {
    if (received.includes(part)) continue;
    const start = part * length;
    const address = `/api/uploads/${encodeURIComponent(id)}/parts/${part}`;
    const sent = await transfer("PUT", address, file.slice(start, start + length), { "Content-Type": "application/octet-stream" }, (loaded) => progress(start + loaded, file.size));
    if (!sent.ok) {
      if (sent.status === 0) sent.body.detail = "The connection broke. Choose the file again: what was sent is kept.";
      return sent;
    }
  }
  progress(file.size, file.size);
  const done = await finished(await transfer("POST", `/api/uploads/${encodeURIComponent(id)}/commit`, null, { Prefer: "respond-async" }));
  if (done.ok || done.status === 422) sessionStorage.removeItem(memory);
  return done;
}

/** Waits until what is done behind an answer is done, and gives what it would have answered. */
async function finished(answer) {
  if (answer.status !== 202) return answer;
  const { task, collection } = answer.body;
  for (let broke = 0; broke < 5; ) {
    const asked = await call("GET", `/api/collections/${encodeURIComponent(collection.id)}/tasks/${encodeURIComponent(task.id)}`);
    if (!asked.ok) broke += 1;
    else if (asked.body.status === "completed") return { ok: true, status: 200, body: asked.body.result };
    else if (asked.body.status === "failed") return { ok: false, status: 422, body: { detail: asked.body.details } };
    await new Promise((next) => setTimeout(next, 1000));
  }
  return { ok: false, status: 0, body: { detail: "It is still being stored. Look at the library in a few minutes." } };
}

/** Imports one file, whatever it is, and shows what came of it. */
async function importOne(file, name) {
  const panel = $("[data-import]");
  const jobs = $("[data-import-jobs]", panel);
  const bar = make("progress", { max: "1", "aria-label": `Upload of ${name}` });
  const said = make("span", { class: "soft" }, "Sending …");
  const job = make("li", {}, make("span", { class: "strong" }, name), bar, said);
  jobs.hidden = false;
  jobs.prepend(job);
  const progress = (loaded, total) => {
    bar.value = loaded / total;
    if (loaded < total) return;
    bar.removeAttribute("value");
    said.textContent = "Storing …";
  };
  let answer;
  if (file.size > IN_ONE) {
    answer = await importInParts(file, panel, progress);
  } else {
    const [content, headers] = await packed(file);
    answer = await transfer("POST", panel.dataset.import, content, { "Content-Type": "application/octet-stream", ...headers }, progress);
  }
  bar.remove();
  if (!answer.ok) {
    const details = (answer.body.errors ?? []).map((error) => error.detail).join("; ");
    said.replaceWith(make("span", { class: "error", role: "alert" }, sentence(details || answer.body.detail || "The import did not work.")));
    return false;
  }
  const links = (answer.body.collections ?? []).flatMap((collection, index) => [
    index ? ", " : "Imported: ",
    make("a", { href: `/collections/${encodeURIComponent(collection.id)}` }, collection.name || "open it"),
  ]);
  said.replaceWith(make("span", {}, ...links));
  if (answer.body.report) job.append(importReport(answer.body.format, answer.body.report));
  await refresh();
  return true;
}

/** What of a foreign file was taken, changed and left. */
function importReport(format, { taken, changed, left }) {
  const counts = Object.entries(taken).filter(([, count]) => count > 0);
  const summary = `From ${format}: ${counts.map(([what, count]) => `${count} ${count === 1 ? what.slice(0, -1) : what}`).join(", ") || "nothing"}`;
  const lists = [["Came over as something else", changed], ["Did not come over", left]].filter(([, notes]) => notes.length > 0);
  if (lists.length === 0) return make("span", { class: "soft" }, summary);
  const sections = lists.flatMap(([title, notes]) => [
    make("p", { class: "strong" }, title),
    make("ul", { class: "notes" }, ...notes.map((note) => make("li", {}, note))),
  ]);
  return make("details", { class: "fold" }, make("summary", {}, summary), ...sections);
}

const drop = $("[data-drop]");
if (drop) {
  // A file that misses the panel must not make the browser leave the page.
  for (const kind of ["dragover", "drop"]) window.addEventListener(kind, (event) => event.preventDefault());
  for (const kind of ["dragenter", "dragover"]) drop.addEventListener(kind, () => drop.classList.add("over"));
  for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => importFiles(event.dataTransfer.files));
}

// ---- fresh regions ----

let refreshing = null;
let again = false;

/** Fetches this page again and replaces its live regions. Calls that come meanwhile become one more fetch. */
function refresh() {
  if (refreshing) {
    again = true;
    return refreshing;
  }
  refreshing = load().finally(() => {
    refreshing = null;
    if (again) {
      again = false;
      refresh();
    }
  });
  return refreshing;
}

async function load() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html", ...asAccount } }).catch(() => null);
  if (!answer?.ok) {
    if (answer?.status === 404) toast("This is no longer here, or no longer open to you.", "bad");
    return;
  }
  if (answer.redirected && new URL(answer.url).pathname === "/signin") {
    toast("You are signed out. What you see may be old.", "bad");
    return;
  }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const region of $$("[data-live]")) {
    const next = $(`[data-live="${region.dataset.live}"]`, fresh);
    if (next) replace(region, next);
  }
  adopt(fresh);
  dress();
}

/** Puts `next` in the place of `region`: open details, focus, selection and scroll stay; what is new lights up. */
function replace(region, next) {
  const keyOf = (node) => node?.closest("[data-key]")?.dataset.key;
  if (next.innerHTML === region.dataset.was) {
    region.dataset.watch = next.dataset.watch ?? "";
    return;
  }
  const was = next.innerHTML;
  const open = new Map($$("details[data-key]", region).map((node) => [node.dataset.key, node.open]));
  const revisions = new Map($$("[data-rev]", region).map((node) => [node.dataset.key, node.dataset.rev]));
  const active = region.contains(document.activeElement) ? document.activeElement : null;
  const held = active && { id: active.id, key: keyOf(active), tag: active.tagName, label: active.textContent, start: active.selectionStart, value: active.value };
  // What stands beside the page's matter must not move it.
  const anchor = "aside" in region.dataset ? undefined : $$("[data-key]", region).find((node) => node.getBoundingClientRect().top >= 0);
  const top = anchor?.getBoundingClientRect().top;

  const node = document.importNode(next, true);
  node.dataset.was = was;
  for (const details of $$("details[data-key]", node)) if (open.has(details.dataset.key)) details.open = open.get(details.dataset.key);
  // What was typed into a field of the region and not sent yet stays.
  for (const field of $$("textarea[id]", region)) {
    const same = field.value !== field.defaultValue && node.querySelector(`#${CSS.escape(field.id)}`);
    if (same) same.value = field.value;
  }
  const known = (row) => revisions.get(row.dataset.key) === row.dataset.rev;
  if (revisions.size) for (const row of $$("[data-rev]", node)) if (!known(row)) light(row);
  region.replaceWith(node);

  if (held) {
    const row = held.key && $(`[data-key="${CSS.escape(held.key)}"]`, node);
    const same = (held.id && document.getElementById(held.id)) || (row && $$(held.tag, row).find((other) => other.textContent === held.label)) || (row && $("a, summary, button", row));
    same?.focus({ preventScroll: true });
    if (same && held.start != null && same.value === held.value) same.setSelectionRange?.(held.start, held.start);
  }
  const moved = anchor && $(`[data-key="${CSS.escape(anchor.dataset.key)}"]`, node);
  // A reader at the top sees what is new; one further down keeps the place.
  if (moved && scrollY > 80) scrollBy(0, moved.getBoundingClientRect().top - top);
}

function light(row) {
  const place = row.tagName === "DETAILS" ? $("summary", row) : row;
  place.classList.add("fresh");
}

/** What a page needs from the module wherever it was (re)drawn. */
function dress() {
  for (const node of $$("[data-find], [data-unfold], [data-peek]")) node.hidden = false;
  const box = $("[data-find]");
  if (box?.value) find(box.value);
  tell();
}

const SHORT = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const LONG = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** Writes each time as "5 minutes ago", or as a date in the reader's own time zone. */
function tell() {
  for (const node of $$("time[data-when]")) {
    const when = new Date(node.dateTime);
    const seconds = (when - Date.now()) / 1000;
    const size = Math.abs(seconds);
    node.title = LONG.format(when);
    node.textContent = size < 45 ? "just now"
      : size < 3600 ? SHORT.format(Math.round(seconds / 60), "minute")
      : size < 86400 ? SHORT.format(Math.round(seconds / 3600), "hour")
      : size < 7 * 86400 ? SHORT.format(Math.round(seconds / 86400), "day")
      : LONG.format(when);
  }
}

// ---- live ----

// The module beside this one keeps the connection, and tells of each change once.
const live = new Realtime({ headers: { "X-Requested-With": "postroom", ...asAccount } });
const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });

const watched = (root) => $$("[data-watch]", root).flatMap((node) => node.dataset.watch.split(" ").filter(Boolean)).map((pair) => pair.split(":"));

/** Takes over what a freshly fetched page watches: it has everything up to a number, what comes after is told. */
function adopt(root) {
  for (const [collection, seq] of watched(root)) live.follow(collection, Number(seq));
  adoptEdit(root);
}

function show(state, text, since = "") {
  const pill = $(".sync");
  if (!pill || (pill.dataset.sync === state && pill.textContent === text + since && !pill.hidden)) return;
  pill.hidden = false;
  pill.dataset.sync = state;
  pill.replaceChildren(text, ...(since ? [make("span", { class: "since" }, since)] : []));
}

live.addEventListener("state", ({ detail: { state, since, why } }) => {
  if (since) for (const node of $$("[data-here]")) node.hidden = true;
  if (state === "offline") show(state, "Offline", ` since ${since.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" })}`);
  else if (state === "error") show(state, why === "signed_out" ? "Signed out" : "Not live: something is wrong on the server");
  else show(state, state === "live" ? "Live" : "Connecting");
});

live.addEventListener("open", () => {
  for (const node of $$("[data-here]")) live.send({ action: "look", collection: node.dataset.here, item: node.dataset.hereItem });
});

live.addEventListener("change", ({ detail: { collection, change } }) => {
  warnEditor(change);
  settle(collection, change.seq, 0);
});

live.addEventListener("frame", ({ detail: { type, data } }) => {
  if (type === "postroom.presence") here(data);
  if (type === "postroom.session.expiring" && data.why !== "connection") {
    toast(`You are signed out at ${TIME.format(new Date(data.at))} unless you do something here.`);
  }
  if (type === "postroom.collection.commented" && live.seen(data.collection) !== undefined) commented();
});

/** Something was said: comments are none of the numbered changes, so the page that is fetched has them all. */
let talking = 0;
function commented() {
  clearTimeout(talking);
  talking = setTimeout(refresh, 60);
}

/** Who else has this collection open; whoever looks at the same item is named first. */
function here({ collection, people, count }) {
  for (const node of $$(`[data-here="${CSS.escape(collection)}"]`)) {
    const me = $(".who-name")?.textContent;
    const others = people.filter((one) => one.username !== me);
    const near = (one) => Boolean(node.dataset.hereItem) && one.item === node.dataset.hereItem;
    others.sort((one, other) => near(other) - near(one));
    const more = count - people.length;
    const names = others.map((one) => (near(one) ? `${one.username} (right here)` : one.username));
    if (more > 0) names.push(`${more} more`);
    node.hidden = names.length === 0;
    node.textContent = names.length ? `Also here: ${names.join(", ")}` : "";
  }
}

/** Fetches until the page shows the change: the feed is written from the stream, a moment after the event may be here. */
let settling = 0;
function settle(collection, seq, tries) {
  clearTimeout(settling);
  // Changes that come in a burst make one fetch.
  settling = setTimeout(async () => {
    await refresh();
    const feed = $("[data-live=feed]");
    const there = !feed || $$(`[data-of="${CSS.escape(collection)}"]`, feed).some((entry) => Number(entry.dataset.rev) >= seq);
    if (!there && tries < 5) settle(collection, seq, tries + 1);
  }, 60 * 3 ** tries);
}

setInterval(tell, 30_000);
// A collection that somebody imports is watched by nobody yet, so lists also look by themselves now and then; not where
// nobody has touched the page for a while, because each look prolongs the session.
let touched = Date.now();
for (const kind of ["pointermove", "keydown", "scroll"]) window.addEventListener(kind, () => (touched = Date.now()), { passive: true });
setInterval(() => document.visibilityState === "visible" && Date.now() - touched < 300_000 && $("[data-poll]") && refresh(), 45_000);

window.addEventListener("online", () => live.wake());
window.addEventListener("offline", () => live.sleep());
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && live.wake());
window.addEventListener("pagehide", () => live.close());
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  refresh();
  live.wake();
});

// ---- editing a request ----

const editor = () => $("[data-edit]");
const rawField = () => $("[data-edit-raw] textarea");
const dirty = () => $$("input, textarea", editor()).some((field) => field.value !== field.defaultValue);

/** Numbers keep the way they were written (`1.0`, `1e3`) where the browser can do it. */
const exact = (text) => JSON.parse(text, JSON.rawJSON && ((_, value, { source }) => (typeof value === "number" && String(value) !== source ? JSON.rawJSON(source) : value)));
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value) && !JSON.isRawJSON?.(value);
const equal = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** Somebody else changed what is open here: the form follows, unless something was typed. */
function adoptEdit(fresh) {
  const next = editor() && $("[data-edit]", fresh);
  if (!next || dirty() || next.isEqualNode(editor())) return;
  for (const field of $$("input, textarea", next)) {
    const here = document.getElementById(field.id);
    if (!here) continue;
    here.defaultValue = field.defaultValue;
    here.value = field.defaultValue;
  }
  rawField().dataset.revision = $("textarea[data-revision]", next).dataset.revision;
  $("[data-stale]").hidden = true;
}

function warnEditor({ item, actor, op }) {
  if (!editor() || $(".clash") || !dirty() || !item || !editor().dataset.edit.endsWith(`/items/${item.id}`)) return;
  $("[data-stale]").hidden = false;
  $("[data-stale-text]").textContent = op === "delete"
    ? `${actor.username} has deleted this while you were editing.`
    : `${actor.username} has changed this while you were editing. Save as usual: what does not overlap is merged, the rest is yours to choose.`;
}

async function save(form) {
  const base = rawField().defaultValue;
  const revision = rawField().dataset.revision;
  let method = "PUT";
  let text = rawField().value;
  if (form.matches("[data-edit-fields]")) {
    const patch = fieldPatch(form, exact(base));
    if (!Object.keys(patch).length) return toast("Nothing has changed");
    [method, text] = ["PATCH", JSON.stringify(patch)];
  } else {
    try {
      JSON.parse(text);
    } catch (error) {
      return showProblem(form, { body: { detail: `This is not JSON: ${error.message}` } });
    }
  }
  await busy(form, async () => store(form, method, text, revision));
}

async function store(form, method, text, revision) {
  const answer = await call(method, editor().dataset.edit, text, { "If-Match": `"${revision}"` });
  if (answer.status === 409 && answer.body.conflicts) return showClash(form, answer);
  if (!answer.ok) return showProblem(form, answer);
  $("[data-clash]").replaceChildren();
  // What was typed is stored: from here on the page as it is fetched counts.
  for (const field of $$("input, textarea", editor())) field.defaultValue = field.value;
  toast(answer.body.merged ? "Saved, and merged with what others changed" : "Saved");
  await refresh();
}

/** What the short form changed, as a JSON Merge Patch (RFC 7396): nothing else of the item is touched. */
function fieldPatch(form, item) {
  const patch = {};
  const field = (name) => form.elements.namedItem(name);
  const differs = (name) => field(name) && field(name).value !== field(name).defaultValue;
  if (differs("name")) patch.name = field("name").value;
  if (differs("method")) patch.request = { method: field("method").value.trim() };
  if (differs("url")) patch.request = { ...patch.request, url: urlPatch(field("url").value.trim(), item.request?.url) };
  // A request may be its URL alone; then it becomes an object that says both.
  if (patch.request && typeof item.request === "string") patch.request = { method: "GET", url: item.request, ...patch.request };
  return patch;
}

/** A new URL in the shape that the old one had: a text, or an object with its parts. */
function urlPatch(raw, old) {
  if (!isObject(old)) return raw;
  const [, protocol, host = "", port, path, query, hash] = /^(?:([a-z][\w+.-]*):\/\/)?((?:\{\{[^}]*\}\}|[^/:?#])*)(?::([^/?#]*))?(\/[^?#]*)?(?:\?([^#]*))?(?:#(.*))?$/i.exec(raw) ?? [];
  const before = Array.isArray(old.query) ? old.query : [];
  const pairs = (query ?? "").split("&").filter(Boolean).map((pair) => {
    const [key, ...rest] = pair.split("=");
    return { ...before.find((other) => other?.key === key && !other.disabled), key, value: rest.length ? rest.join("=") : null };
  });
  const all = [...pairs, ...before.filter((other) => other?.disabled)];
  const parts = {
    protocol, port, hash,
    host: host ? host.split(/\.(?![^{]*\}\})/) : undefined,
    path: path ? path.slice(1).split("/") : undefined,
    query: all.length ? all : undefined,
  };
  const patch = { raw };
  for (const [key, value] of Object.entries(parts)) if (value !== undefined || key in old) patch[key] = value ?? null;
  return patch;
}

/** Every place where `mine` differs from `base`, as the server sees it: objects key by key, all else as a whole. */
export function differences(base, mine, path = []) {
  if (isObject(base) && isObject(mine)) {
    return [...new Set([...Object.keys(base), ...Object.keys(mine)])].flatMap((key) => differences(base[key], mine[key], [...path, key]));
  }
  return equal(base, mine) ? [] : [{ path, value: mine }];
}

/** `document` with `value` in its place, or without the place where there is no value. */
function assign(document, path, value) {
  if (path.length === 0) return value;
  let place = document;
  for (const key of path.slice(0, -1)) {
    if (!isObject(place[key])) place[key] = {};
    place = place[key];
  }
  if (value === undefined) delete place[path.at(-1)];
  else place[path.at(-1)] = value;
  return document;
}

const PLACES = { "": "The whole item", "/name": "Name", "/request/method": "Method", "/request/url": "URL", "/request/url/raw": "URL", "/request/header": "Headers", "/request/body/raw": "Body", "/request/description": "Description", "/event": "Scripts" };
const shown = (value) => (value === undefined ? "(removed)" : typeof value === "string" ? value || "(empty)" : JSON.stringify(value, null, 2));

/** Base, mine and theirs for each place that both changed, with the choices that the server offers. */
function showClash(form, answer) {
  const { base, mine, theirs, conflicts: found } = exact(answer.text);
  // Without a common start there is nothing to compare place by place: then it is all or nothing.
  const conflicts = found.length ? found : [{ pointer: "", base, mine, theirs }];
  const sets = conflicts.map((conflict, index) => {
    const side = (name, title, value) => {
      const radio = make("input", { type: "radio", name: `choice-${index}`, value: name, id: `choice-${index}-${name}`, required: "" });
      return make("div", { class: "side" }, make("div", { class: "check" }, radio, make("label", { for: radio.id, class: "strong" }, title)), make("pre", {}, shown(value)));
    };
    const text = make("textarea", { class: "code", rows: "4", "aria-label": "Merged value", spellcheck: "false" });
    text.value = conflict.mine === undefined ? "" : typeof conflict.mine === "string" ? conflict.mine : JSON.stringify(conflict.mine, null, 2);
    text.defaultValue = text.value;
    const merge = make("input", { type: "radio", name: `choice-${index}`, value: "merge", id: `choice-${index}-merge` });
    const own = make("div", { class: "merge stack-s" }, make("div", { class: "check" }, merge, make("label", { for: merge.id, class: "strong" }, "Merge by hand")), text);
    text.addEventListener("input", () => (merge.checked = true));
    const before = make("div", { class: "side" }, make("span", { class: "strong soft" }, "Before both"), make("pre", {}, shown(conflict.base)));
    return make("fieldset", {}, make("legend", {}, PLACES[conflict.pointer] ?? conflict.pointer),
      make("div", { class: "three" }, before, side("mine", "Mine", conflict.mine), side("theirs", "Theirs", conflict.theirs)), own);
  });
  const drop = make("button", { type: "button", class: "btn plain" }, "Drop my edit");
  const problem = make("p", { class: "error form-error", "data-error": "", role: "alert" });
  const panel = make("form", { class: "clash" },
    make("header", {}, make("h2", { tabindex: "-1" }, "Somebody else changed the same thing"), make("p", {}, "Nothing is lost: choose for each place. What you do not choose stays in the history.")),
    ...sets, problem, make("footer", {}, make("button", { class: "btn primary" }, "Save these choices"), drop));
  drop.addEventListener("click", () => {
    for (const field of $$("input, textarea", editor())) field.value = field.defaultValue;
    $("[data-clash]").replaceChildren();
    refresh();
  });
  panel.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(panel, async () => {
      const result = resolve({ base, mine, theirs, conflicts }, sets, panel);
      if (result === null) return;
      await store(panel, "PUT", JSON.stringify(result, null, 2), (answer.etag ?? "").replace(/\D/g, "") || answer.body.revision);
    });
  });
  $("[data-stale]").hidden = true;
  $("[data-clash]").replaceChildren(panel);
  $("h2", panel).focus();
}

/** Theirs, with everything of mine that they did not touch, and the chosen value for what both touched. */
function resolve({ base, mine, theirs, conflicts }, sets, panel) {
  const pointers = new Map(conflicts.map((conflict, index) => [conflict.pointer, index]));
  let result = exact(JSON.stringify(theirs));
  for (const { path, value } of differences(base, mine)) {
    const pointer = path.map((key) => `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
    const under = [...pointers.keys()].some((other) => pointer === other || pointer.startsWith(`${other}/`));
    if (!under) result = assign(result, path, value);
  }
  for (const [pointer, index] of pointers) {
    const choice = $("input:checked", sets[index]).value;
    const path = pointer.split("/").slice(1).map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
    if (choice === "mine") result = assign(result, path, conflicts[index].mine);
    if (choice === "merge") {
      const text = $("textarea", sets[index]).value;
      try {
        result = assign(result, path, [conflicts[index].mine, conflicts[index].theirs].some((value) => typeof value === "string") ? text : exact(text));
      } catch (error) {
        showProblem(panel, { body: { detail: `The merged value of ${pointer} is not JSON: ${error.message}` } });
        return null;
      }
    }
  }
  return result;
}

window.addEventListener("beforeunload", (event) => {
  if (editor() && dirty()) event.preventDefault();
});

// ---- start ----

for (const region of $$("[data-live]")) region.dataset.was = region.innerHTML;
dress();
for (const [collection, seq] of watched(document)) live.follow(collection, Number(seq));
