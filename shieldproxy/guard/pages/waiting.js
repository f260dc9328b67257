(function () {
  "use strict";

  // The page is whole without this script: the button asks for the place in line, and opens the page when it is free.
  const BACK_OFF = 10; // seconds until another try when there was no answer, or one that is not for us
  const form = document.getElementById("form");
  const place = document.getElementById("place");
  const line = document.getElementById("line").dataset;

  const go = () => (form ? form.submit() : location.reload());
  const later = (seconds) => setTimeout(ask, 1000 * Math.max(1, seconds || BACK_OFF));
  const ask = async () => {
    try {
      const headers = { Accept: "application/json" };
      const response = await fetch(line.own + "/line", { headers, credentials: "same-origin", cache: "no-store" });
      const seconds = Number(response.headers.get("Retry-After"));
      if (!response.ok) return later(Math.max(seconds, BACK_OFF));
      const answer = await response.json();
      if (answer.ready) return go();
      if (place.textContent !== answer.told) place.textContent = answer.told;
      return later(seconds);
    } catch (error) {
      return later(BACK_OFF);
    }
  };
  later(Number(line.seconds));
})();
