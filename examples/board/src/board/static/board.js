// Shows on a page that is open what is posted and deleted. Without this file, or without scripts, a page shows that when
// it is loaded.

const main = document.getElementById("main");
const live = document.querySelector(".live");
let newest = Number(main.dataset.newest);
let failures = 0;

/** Takes in what the board tells: the articles of a new message, by the place where they belong, or of a deleted one. */
function tell(text) {
  const { number, author, deleted, places } = JSON.parse(text);
  newest = Math.max(newest, number);
  for (const [name, html] of Object.entries(places)) {
    const place = document.querySelector(`[data-place="${name}"]`);
    if (place && show(place, articleOf(html), `message-${number}`)) say(`New from ${author}`);
  }
  const gone = deleted && document.getElementById(`message-${deleted}`);
  if (gone) {
    remove(gone);
    say("A message was deleted");
  }
}

/** Tells those who do not see the page. */
function say(text) {
  document.getElementById("news").textContent = text;
}

/** Makes an article of what the board's own templates have written, which escape what people write. */
function articleOf(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.querySelector("article");
}

/** Replaces an article that is there, or adds it if it is the new one; says whether it has added it. */
function show(place, article, added) {
  const old = document.getElementById(article.id);
  if (old) old.replaceWith(article);
  if (old || article.id !== added) return false;
  article.classList.add("fresh");
  if (place.matches(".stream")) addNotice(place, article);
  else addReply(place, article);
  return true;
}

/** Adds a notice as the newest: behind the pinned ones, unless it is one. */
function addNotice(stream, article) {
  const next = article.matches(".pinned") ? "article" : "article:not(.pinned)";
  stream.insertBefore(article, stream.querySelector(next) ?? stream.querySelector(".pages"));
  stream.querySelector(".empty").hidden = true;
}

/** Adds a reply behind the others, and counts them. */
function addReply(replies, article) {
  replies.append(article);
  count(replies);
}

function count(replies) {
  const number = replies.querySelectorAll("article").length;
  replies.querySelector("h2").textContent = number === 1 ? "1 reply" : number ? `${number} replies` : "No replies yet";
}

/** Takes a deleted message off the page. */
function remove(article) {
  const place = article.parentElement;
  if (article.matches(".whole")) return removeThread(article);
  article.remove();
  if (place.matches(".replies")) count(place);
  else place.querySelector(".empty").hidden = place.querySelector("article, .pages") !== null;
}

/** Says that the message of this very page is gone. What somebody is writing stays: they may want to keep it. */
function removeThread(article) {
  article.replaceWith(document.getElementById("deleted").content.cloneNode(true));
  document.querySelector(".replies").remove();
  for (const button of document.querySelectorAll(".post button")) button.disabled = true;
}

function overSocket() {
  const socket = new WebSocket(`${location.origin.replace("http", "ws")}/live?after=${newest}`);
  let opened = false;
  socket.onopen = () => { opened = true; connected("websocket"); };
  socket.onmessage = (event) => tell(event.data);
  // What lets no WebSocket through, such as an old proxy, mostly lets events through.
  socket.onclose = () => later(opened ? overSocket : overEvents);
}

function overEvents() {
  const source = new EventSource(`/live/events?after=${newest}`);
  source.onopen = () => connected("events");
  source.onmessage = (event) => tell(event.data);
  source.onerror = () => { source.close(); later(connect); };
}

function connected(way) {
  failures = 0;
  live.dataset.way = way;
  live.hidden = false;
}

/** Tries again: later each time, and not when everybody else does, so that a board that comes back is not run over. */
function later(connecting) {
  live.hidden = true;
  delete live.dataset.way;
  setTimeout(connecting, Math.min(30_000, 250 * 2 ** failures++) * (0.5 + Math.random()));
}

function connect() {
  if ("WebSocket" in window) overSocket();
  else overEvents();
}

connect();
