// Softmax and loss: logits become probabilities, and a loss against the right class with its gradient.

import { makeClasses } from "./classes.js";
import { makeCommand } from "./command.js";
import { clearFaults, faultsOf, showFaults } from "./fault.js";
import { onLanguage, words } from "./language.js";
import { short } from "./numbers.js";
import { lossRequest, softmaxRequest } from "./request.js";
import { ask } from "./service.js";
import { makeTurns } from "./turn.js";

const FEWEST = 2;
const MOST = 10;

const element = (id) => document.getElementById(id);

/** Make the tab of a form; `onChange()` is told of the reader's changes. Returns `show()`. */
export function makeProbabilities(form, setting, onChange) {
  const turns = makeTurns();
  const commands = [makeCommand(element("softmax-command"), "softmaxRequest")];
  commands.push(makeCommand(element("loss-command"), "lossRequest"));
  const classes = makeClasses(element("classes"), {
    logit: (index, value) => change({ logits: setting.logits.with(index, value) }),
    label: (label) => change({ label }),
  });
  let tell = () => {};
  onLanguage(() => tell());

  function change(part) {
    Object.assign(setting, part);
    onChange();
    show();
  }

  function show() {
    const { logits, label } = setting;
    classes.showLogits(logits, label);
    element("add-class").disabled = logits.length >= MOST;
    element("remove-class").disabled = logits.length <= FEWEST;
    return turns.take(compute);
  }

  async function compute(signal) {
    try {
      const { y } = await send(softmaxRequest(setting), commands[0], signal);
      classes.showProbabilities(y);
      const { loss, gradient } = await send(lossRequest(setting, y), commands[1], signal);
      classes.showGradient(gradient);
      showLoss(loss);
      clearFaults(form);
    } catch (error) {
      if (!signal.aborted) {
        showFaults(form, faultsOf(error), "");
      }
    }
  }

  function showLoss(loss) {
    const isOfLogits = setting.loss === "cross_entropy";
    tell = () => {
      element("loss-value").textContent = words("lossIs", { loss: short(loss) });
      element("gradient-of").textContent = words(isOfLogits ? "gradientByLogits" : "gradientByProbabilities");
    };
    tell();
  }

  element("add-class").addEventListener("click", () => change({ logits: [...setting.logits, 0] }));
  element("remove-class").addEventListener("click", () => {
    const logits = setting.logits.slice(0, -1);
    change({ logits, label: Math.min(setting.label, logits.length - 1) });
  });
  return show;
}

function send({ path, body }, command, signal) {
  command.show({ path, body });
  return ask(path, body, signal);
}
