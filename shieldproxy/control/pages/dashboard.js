
"use strict";
(() => {
  const ACTIONS = ["admit", "challenge", "throttle", "refuse", "drop"];
  const WORDS = { admit: "admitted", challenge: "challenged", throttle: "throttled", refuse: "refused", drop: "dropped" };
  const POLL_MS = 2000, POINTS = 60, BANS_SHOWN = 50;
  const at = (id) => document.getElementById(id);
  const number = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
  let points = [], before = null, timer = 0;

  // Names of networks and reasons of bans come from elsewhere: they are only ever set as text.
  const make = (tag, text, kind) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (kind) element.className = kind;
    return element;
  };
  const span = (seconds) => {
    const whole = Math.max(0, Math.round(seconds));
    for (const [unit, size] of [["d", 86400], ["h", 3600], ["m", 60]]) {
      if (whole >= 2 * size) return `${Math.round(whole / size)} ${unit}`;
    }
    return `${whole} s`;
  };
  const sum = (counts) => Object.values(counts).reduce((total, count) => total + count, 0);
  const share = (part, whole) => (whole ? `${number.format((100 * part) / whole)} %` : "0 %");

  const ask = async (path) => {
    const token = sessionStorage.getItem("shieldproxy-token") || "";
    const answer = await fetch(path, {
      headers: { Authorization: `Bearer ${token}` }, cache: "no-store", signal: AbortSignal.timeout(5000),
    });
    if (answer.status === 401) throw new RangeError("token");
    if (!answer.ok) throw new Error(`the node answered ${answer.status}`);
    return answer.json();
  };

  const showDoor = (refused) => {
    clearTimeout(timer);
    sessionStorage.removeItem("shieldproxy-token");
    at("view").hidden = true;
    at("door").hidden = false;
    at("refused").textContent = refused;
    at("said").textContent = "";
    at("token").focus();
  };

  const badge = (id, text, kind) => {
    at(id).textContent = text;
    at(id).className = `badge ${kind}`;
  };

  const bar = (counts, whole) => {
    const row = make("div", undefined, "bar");
    row.title = ACTIONS.filter((action) => counts[action]).map((action) => `${counts[action]} ${WORDS[action]}`).join(", ");
    row.setAttribute("role", "img");
    row.setAttribute("aria-label", row.title);
    for (const action of ACTIONS) {
      if (!counts[action]) continue;
      const part = make("span", undefined, action);
      part.style.width = `${(100 * counts[action]) / whole}%`;
      row.append(part);
    }
    return row;
  };

  const addPoint = (status) => {
    const now = performance.now() / 1000;
    if (before && status.uptime >= before.uptime && now > before.now) {
      const point = {};
      for (const action of ACTIONS) {
        const growth = (status.requests[action] || 0) - (before.requests[action] || 0);
        point[action] = Math.max(0, growth) / (now - before.now);
      }
      points = [...points, point].slice(-POINTS);
    } else if (before && status.uptime < before.uptime) {
      points = [];
    }
    before = { now, uptime: status.uptime, requests: status.requests };
  };

  const drawChart = () => {
    const highest = Math.max(1, ...points.map(sum));
    const shapes = [];
    points.forEach((point, index) => {
      let level = 120;
      for (const action of ACTIONS) {
        const height = (112 * (point[action] || 0)) / highest;
        if (height <= 0) continue;
        level -= height;
        const shape = document.createElementNS("http://www.w3.org/2000/svg", "rect");
        const place = { x: (POINTS - points.length + index) * 10, y: level, width: 8.5, height };
        for (const [name, value] of Object.entries(place)) shape.setAttribute(name, value);
        shape.setAttribute("class", action);
        shapes.push(shape);
      }
    });
    at("chart").replaceChildren(...shapes);
    const latest = points.length ? points[points.length - 1] : {};
    at("peak").textContent = points.length ? `highest ${number.format(Math.max(...points.map(sum)))}` : "";
    at("rate").textContent = number.format(sum(latest));
    at("legend").replaceChildren(...ACTIONS.map((action) => {
      const entry = make("li");
      entry.append(make("i", undefined, action), `${WORDS[action]} ${number.format(latest[action] || 0)}/s`);
      return entry;
    }));
  };

  const drawStatus = (status) => {
    const postures = { calm: ["calm", "good"], elevated: ["elevated", "care"], under_attack: ["under attack", "bad"] };
    badge("posture", ...(postures[status.posture] || [status.posture, "care"]));
    badge("mode", status.mode === "observe" ? "observing only" : "enforcing", status.mode === "observe" ? "care" : "good");
    at("node").textContent = status.node;
    document.title = `${(postures[status.posture] || [status.posture])[0]} · shieldproxy ${status.node}`;
    const minute = sum(status.last_minute);
    at("minute").textContent = number.format(minute);
    at("stopped").textContent = share(minute - (status.last_minute.admit || 0), minute);
    at("banned").textContent = number.format(status.bans);
    at("origin").textContent = { true: "up", false: "down" }[status.origin.up] || "not asked yet";
    at("origin").className = status.origin.up === false ? "bad" : "";
    at("lost").textContent = number.format(status.journal.lost);
    at("lost").className = status.journal.lost ? "bad" : "";
    drawAlarms(status);
    const facts = [
      ["Serving", `${status.listen.join(", ")} → ${status.origin.url}`],
      ["Running for", `${span(status.uptime)}, version ${status.version}, ${status.workers} of ${status.workers_wanted} workers`],
      ["Policy", `${status.policy.slice(0, 12)} from ${status.config || "the defaults"}`],
      ["Journal", `${status.journal.directory}, ${number.format(status.journal.records)} records`],
      ["Geo data", status.geo.databases.map((base) => `${base.kind}: ${base.type}, ${span(base.age)} old`).join("; ") || "none"],
      ["Since the start", ACTIONS.map((action) => `${number.format(status.requests[action] || 0)} ${WORDS[action]}`).join(", ")],
    ];
    at("facts").replaceChildren(...facts.flatMap(([name, text]) => [make("dt", name), make("dd", text)]));
  };

  const drawAlarms = (status) => {
    const alarms = [...status.degraded];
    if (status.origin.up === false) alarms.push(`The origin does not answer: ${status.origin.detail}`);
    if (status.reload_refused.length) alarms.push(`The last reload was refused; the old policy holds: ${status.reload_refused.join(" · ")}`);
    if (status.journal.problem) alarms.push(`Journal: ${status.journal.problem}`);
    alarms.push(...status.geo.problems);
    const shown = [...at("alarms").children].map((entry) => entry.textContent);
    // Set only when changed, or a screen reader would hear the same alarm every two seconds.
    if (shown.join("\n") !== alarms.join("\n")) at("alarms").replaceChildren(...alarms.map((text) => make("li", text)));
  };

  const rows = (id, entries, columns, none) => {
    const drawn = entries.map((entry) => {
      const row = make("tr");
      for (const cell of entry) row.append(cell);
      return row;
    });
    if (!drawn.length) {
      const row = make("tr"), cell = make("td", none, "quiet");
      cell.colSpan = columns;
      row.append(cell);
      drawn.push(row);
    }
    at(id).replaceChildren(...drawn);
  };

  const drawNetworks = (top) => rows("networks", top.networks.map((network) => {
    const done = make("td", undefined, "share");
    done.append(bar(network.actions, network.requests || 1));
    return [make("td", network.asn ? `AS${network.asn}` : "unknown"), make("td", network.name), make("td", network.network_class, "extra"),
      make("td", number.format(network.requests), "n"), done];
  }), 5, "No requests.");

  const drawBans = (listing) => {
    rows("bans", listing.bans.map((ban) => [make("td", ban.key), make("td", ban.cause), make("td", ban.by, "extra"),
      make("td", span(ban.remaining), "n")]), 4, "Nobody is banned.");
    at("bans-more").textContent = listing.total > listing.bans.length ? `the last ${listing.bans.length} of ${listing.total}` : "";
  };

  const poll = async () => {
    try {
      const [status, top, bans] = await Promise.all(
        ["/api/v1/status", "/api/v1/top?count=10", `/api/v1/bans?count=${BANS_SHOWN}`].map(ask));
      at("door").hidden = true;
      at("view").hidden = false;
      addPoint(status);
      drawStatus(status);
      drawChart();
      drawNetworks(top);
      drawBans(bans);
      at("said").textContent = "";
    } catch (fault) {
      if (fault instanceof RangeError) return showDoor("This token is not the node's.");
      at("said").textContent = `No answer: ${fault.message}. Trying again.`;
    }
    timer = setTimeout(poll, POLL_MS);
  };

  at("door").addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem("shieldproxy-token", at("token").value.trim());
    at("token").value = "";
    at("refused").textContent = "";
    poll();
  });
  if (sessionStorage.getItem("shieldproxy-token")) poll(); else showDoor("");
})();
