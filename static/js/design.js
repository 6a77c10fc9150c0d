// The design page where scripts run: contrast beside the colours, a preview that follows, a question before leaving.

import { guardUnsaved } from "./design/guard.js";
import { enableLogo } from "./design/logo.js";
import { enablePreview } from "./design/preview.js";
import { enableReadouts } from "./design/readouts.js";
import { enableSaving } from "./design/saving.js";

const announce = (text) => {
  document.querySelector("[data-status]").textContent = text;
};

const form = document.querySelector("[data-design]");
enableSaving(form, announce);
guardUnsaved(form);
enableLogo(announce);
enableReadouts(announce);
enablePreview(form);
