// The contact step and the consent: always there, first or last.

import { clone, listTexts, setValue, valueOf } from "./dom.js";

export const createContactView = ({ commands }) => {
  const element = clone("contact");
  const fields = element.querySelectorAll("[data-contact-field]");
  const labels = element.querySelectorAll("[data-contact-label]");
  const positions = element.querySelectorAll("[data-position]");
  const consent = element.querySelector("[data-consent]");

  for (const control of fields) {
    const name = control.dataset.contactField;
    control.addEventListener("input", () => commands.editContact({ [name]: valueOf(control) }, `contact.${name}`));
  }
  for (const control of labels) {
    const name = control.dataset.contactLabel;
    control.addEventListener("input", () => commands.editContactLabel(name, control.value));
  }
  for (const control of positions) control.addEventListener("change", () => commands.placeContact(control.value));
  consent.addEventListener("input", () => commands.editConsent(consent.value));

  return {
    element,
    update({ contact, consent: text }) {
      for (const control of fields) setValue(control, contact[control.dataset.contactField]);
      for (const control of labels) setValue(control, contact.labels[control.dataset.contactLabel]);
      for (const control of positions) control.checked = control.value === contact.position;
      element.querySelector("[data-goal-required]").hidden = !contact.goalShown;
      setValue(consent, text);
    },
    setProblems(ofContact, ofConsent) {
      listTexts(element.querySelector("[data-problems]"), ofContact);
      listTexts(element.querySelector("[data-consent-problems]"), ofConsent);
      consent.setAttribute("aria-invalid", String(ofConsent.length > 0));
    },
    focusConsent: () => consent.focus(),
  };
};
