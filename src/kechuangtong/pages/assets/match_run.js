// A match run as it moves on; once it has ended its page is opened anew, with its pairs.
const bar = document.querySelector("progress[data-events]");
const events = new EventSource(bar.dataset.events);
events.onmessage = ({ data }) => {
  const now = JSON.parse(data);
  if (now.finished_at) {
    events.close();
    location.reload();
    return;
  }
  if (now.total === null) return;
  bar.max = Math.max(now.total, 1);
  bar.value = now.done;
  document.querySelector("[data-done]").textContent = `${now.done} / ${now.total}`;
};
