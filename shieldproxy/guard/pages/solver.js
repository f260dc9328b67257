(function () {
  "use strict";

  // The page is whole without this script: the form works by itself. The script hides the form while it works.
  const SLOW = 5000; // ms until the form is offered beside the work
  const PUZZLES = 3; // fresh puzzles taken before giving up
  const ROUNDS = 3; // passes in a minute after which the page no longer opens by itself: it would go on for ever

  const find = (id) => document.getElementById(id);
  const form = find("form");
  const bar = find("bar");
  const say = find("say");
  const source = find("puzzle");
  const own = source.dataset.own;

  const show = (element, visible) => {
    if (element) element.hidden = !visible;
  };
  const tell = (word) => {
    say.textContent = word ? say.dataset[word] : "";
  };
  const progress = (part) => {
    const percent = Math.round(100 * part);
    bar.setAttribute("aria-valuenow", percent);
    bar.firstElementChild.style.width = percent + "%";
  };
  const offerForm = () => {
    if (form) show(form, true);
    else stop("failed");
  };
  const stop = (word) => {
    show(bar, false);
    tell(word);
    show(form, word !== "cookies");
    if (form && word !== "cookies") return;
    const again = document.createElement("button");
    again.className = "button";
    again.textContent = say.dataset.again;
    again.onclick = () => location.reload();
    say.after(again);
  };

  // Runs in the worker: PBKDF2 of one counter after the other until the key begins as the puzzle asks.
  function work() {
    const AT_ONCE = 8; // derivations under way together: browsers spread them over cores
    const bytes = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
    const hex = (data) => Array.from(data, (byte) => ("0" + byte.toString(16)).slice(-2)).join("");
    const solve = async (puzzle) => {
      const nonce = bytes(puzzle.nonce);
      const salt = bytes(puzzle.salt);
      const attempt = async (counter) => {
        const password = new Uint8Array(nonce.length + 4);
        password.set(nonce);
        new DataView(password.buffer).setUint32(nonce.length, counter);
        const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
        const how = { name: "PBKDF2", hash: "SHA-256", salt: salt, iterations: puzzle.cost };
        return hex(new Uint8Array(await crypto.subtle.deriveBits(how, key, 8 * puzzle.keyLength)));
      };
      for (let first = 0; ; first += AT_ONCE) {
        const counters = Array.from({ length: AT_ONCE }, (_, index) => first + index);
        const keys = await Promise.all(counters.map(attempt));
        const found = keys.findIndex((key) => key.startsWith(puzzle.keyPrefix));
        if (found >= 0) return { counter: first + found, derivedKey: keys[found] };
        postMessage({ tries: first + AT_ONCE });
      }
    };
    onmessage = (event) => solve(event.data).then((solution) => postMessage({ solution }), () => postMessage({}));
  }

  const solve = (puzzle) => new Promise((resolve, reject) => {
    const address = URL.createObjectURL(new Blob(["(" + work + ")()"], { type: "text/javascript" }));
    const worker = new Worker(address);
    const chance = 1 - Math.pow(16, -puzzle.parameters.keyPrefix.length);
    const end = (act, value) => {
      worker.terminate();
      URL.revokeObjectURL(address);
      act(value);
    };
    worker.onerror = () => end(reject, new Error("worker"));
    worker.onmessage = (event) => {
      if (event.data.tries) progress(1 - Math.pow(chance, event.data.tries));
      else if (event.data.solution) end(resolve, event.data.solution);
      else end(reject, new Error("work"));
    };
    worker.postMessage(puzzle.parameters);
  });

  const ask = async (path, options) => {
    const headers = { Accept: "application/json" };
    const response = await fetch(own + path, Object.assign({ headers, credentials: "same-origin", cache: "no-store" }, options));
    return response.json();
  };

  const countRounds = () => {
    try {
      const kept = (sessionStorage.getItem("shieldproxy") || "").split(",").filter((time) => Date.now() - time < 60000);
      kept.push(Date.now());
      sessionStorage.setItem("shieldproxy", kept.join(","));
      return kept.length;
    } catch (error) {
      return 1; // no storage here; the server has seen the cookie, that must do
    }
  };

  const run = async () => {
    let puzzle = JSON.parse(source.textContent);
    for (let count = 0; count < PUZZLES && puzzle; count++) {
      const solution = await solve(puzzle);
      progress(1);
      const body = btoa(JSON.stringify({ challenge: puzzle, solution }));
      let answer = await ask("/answer", { method: "POST", body });
      // Whether the cookie came back, only the server can tell: asking it is what keeps the page from a loop.
      if (answer.ok) answer = await ask("/return", {});
      if (answer.ok && countRounds() <= ROUNDS) {
        show(form, false);
        tell("done");
        // A form that the page keeps is sent on from the next page; all else is asked for again where we are.
        if (form && form.elements.kept) return form.submit();
        return location.reload(); // same path, query and fragment
      }
      if (answer.outcome === "no_cookie") return stop("cookies");
      puzzle = answer.puzzle; // given anew when time ran out or the address changed on the way
    }
    return stop("failed");
  };

  if (!window.isSecureContext || !window.crypto || !crypto.subtle || !window.Worker || !window.fetch) {
    return offerForm();
  }
  show(form, false);
  show(bar, true);
  tell("working");
  const slow = setTimeout(offerForm, SLOW);
  run().catch(() => stop("failed")).then(() => clearTimeout(slow));
})();
