// A file that is too large is refused before it is sent.
const file = document.querySelector("input[data-max-bytes]");
file?.addEventListener("change", () => {
  const large = [...file.files].some((one) => one.size > Number(file.dataset.maxBytes));
  file.setCustomValidity(large ? file.dataset.tooLarge : "");
  file.reportValidity();
});

// An import as it moves on; once it has ended the page is opened anew, with its rows.
const bar = document.querySelector("progress[data-events]");
if (bar) {
  const events = new EventSource(bar.dataset.events);
  events.onmessage = ({ data }) => {
    const now = JSON.parse(data);
    if (now.finished_at) {
      events.close();
      location.replace(bar.dataset.page);
      return;
    }
    if (now.total === null) return;
    bar.max = Math.max(now.total, 1);
    bar.value = now.done;
    document.querySelector("[data-done]").textContent = `${now.done} / ${now.total}`;
    for (const [outcome, count] of Object.entries(now.counts))
      document.querySelector(`[data-count=${outcome}]`).textContent = count;
  };
}
