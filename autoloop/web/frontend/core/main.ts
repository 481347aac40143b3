import "../css/main.css";
import "./htmx";
import { startConfirm } from "./confirm";
import { startIslands } from "./islands";
import { startKeys } from "./keys";
import { startNav } from "./nav";
import { startPalette } from "./palette";
import { startTheme } from "./theme";

startTheme();
startNav();
startKeys();
startPalette();
startConfirm();
startIslands();

const idle = window.requestIdleCallback ?? ((run: () => void) => setTimeout(run, 200));
idle(() => void import("./vitals").then((module) => module.startVitals()));
