import { onCLS, onFCP, onINP, onLCP, onTTFB, type Metric } from "web-vitals";

export function startVitals(): void {
  const send = (metric: Metric) => {
    const { name, value, rating } = metric;
    navigator.sendBeacon("/vitals", JSON.stringify({ name, value, rating, path: location.pathname }));
  };
  for (const on of [onCLS, onFCP, onINP, onLCP, onTTFB]) on(send);
}
