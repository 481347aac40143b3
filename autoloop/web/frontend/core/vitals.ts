import { onCLS, onFCP, onINP, onLCP, onTTFB, type Metric } from "web-vitals";

// What this visit felt like, sent once, when it ends or the page is left for another.
export function startVitals(): void {
  const measured: object[] = [];
  const keep = ({ name, value, rating }: Metric): void => {
    measured.push({ name, value, rating });
  };
  for (const on of [onCLS, onFCP, onINP, onLCP, onTTFB]) on(keep);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden" && measured.length) {
      navigator.sendBeacon("/vitals", JSON.stringify({ path: location.pathname, measured: measured.splice(0) }));
    }
  });
}
