import "../css/main.css";
import "./htmx";
import { startFailures } from "./failures";
import { startForms } from "./forms";
import { startIslands } from "./islands";
import { startKeys } from "./keys";
import { startNav } from "./nav";
import { startPalette } from "./palette";
import { startTheme } from "./theme";

startTheme();
startNav();
startKeys();
startPalette();
startForms();
startFailures();
startIslands();

const idle = window.requestIdleCallback ?? ((run: () => void) => setTimeout(run, 200));
idle(() => void import("./vitals").then((module) => module.startVitals()));
