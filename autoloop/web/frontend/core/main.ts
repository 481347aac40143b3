import "../css/main.css";
import "./htmx";
import { startFailures } from "./failures";
import { startFinders } from "./find";
import { startForms } from "./forms";
import { startIslands } from "./islands";
import { startKeys } from "./keys";
import { startNav } from "./nav";
import { startPalette } from "./palette";
import { startTheme } from "./theme";

// A change of pages that is interrupted is no error.
addEventListener("pageswap", (event) => void event.viewTransition?.ready.catch(() => {}));
addEventListener("pageswap", (event) => void event.viewTransition?.finished.catch(() => {}));

startTheme();
startNav();
startKeys();
startPalette();
startForms();
startFinders();
startFailures();
startIslands();

const idle = window.requestIdleCallback ?? ((run: () => void) => setTimeout(run, 200));
idle(() => void import("./vitals").then((module) => module.startVitals()));
