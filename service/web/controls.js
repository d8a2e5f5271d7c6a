// The controls of a form, each bound to a part of the setting by its data-setting.

import { showRead, showUnread, writeField } from "./fault.js";
import { fields as settingFields } from "./setting.js";

/** Bind; `onChange(name)` is told what the reader has changed. Returns `show()`, which shows the setting. */
export function bindControls(form, setting, onChange) {
  const fields = [...form.querySelectorAll("[data-setting]")];
  const sliders = [...form.querySelectorAll("[data-log], [data-linear]")];

  /** Show the setting, but leave the field or slider alone that the reader is using. */
  function show(written = null) {
    for (const field of fields.filter((each) => each !== written)) {
      writeField(field, textOf(field, setting));
    }
    for (const slider of sliders) {
      const value = setting[nameOfSlider(slider)] ?? Number(slider.dataset.absent);
      if (slider !== written) {
        slider.value = slider.dataset.log ? Math.log10(Math.max(value, Number.MIN_VALUE)) : value;
      }
      slider.setAttribute("aria-valuetext", String(value));
    }
    for (const part of form.querySelectorAll("[data-when]")) {
      const [name, ...values] = part.dataset.when.split(" ");
      part.hidden = !values.includes(setting[name]);
    }
  }

  function take(name, value, written) {
    setting[name] = value;
    show(written);
    onChange(name);
  }

  for (const field of fields) {
    field.addEventListener("input", () => {
      const value = valueOf(field, setting);
      if (value === undefined) {
        showUnread(field, textOf(field, setting));
      } else {
        showRead(field);
        take(field.dataset.setting, value, field);
      }
    });
    field.addEventListener("change", () => show());
  }
  for (const slider of sliders) {
    slider.addEventListener("input", () => take(nameOfSlider(slider), valueOfSlider(slider), slider));
  }
  return show;
}

/** A step of 0.02 is a factor of 1.047, which two digits would round away at 0.1: a key press would do nothing. */
function valueOfSlider({ value, dataset }) {
  return dataset.log ? Number((10 ** value).toPrecision(3)) : Number(value);
}

const nameOfSlider = ({ dataset }) => dataset.log ?? dataset.linear;

function textOf({ dataset }, setting) {
  const { setting: name, index } = dataset;
  return index === undefined ? settingFields()[name].write(setting[name]) : String(setting[name][index]);
}

function valueOf({ dataset, value }, setting) {
  const { setting: name, index } = dataset;
  return settingFields()[name].read(index === undefined ? value : setting[name].with(index, value).join(","));
}
