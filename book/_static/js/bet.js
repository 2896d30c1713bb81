/* The bet of the first page. The HTML says everything by itself; this hides the answer until five are
   chosen, and then adds the reader's own five to it. No request, no storage. */
(() => {
  "use strict";

  const CHOSEN = 5;

  function play(bet) {
    const boxes = Array.from(bet.querySelectorAll("input[type=checkbox]"));
    const task = bet.querySelector(".bet-task");
    const compare = bet.querySelector(".bet-compare");
    const again = bet.querySelector(".bet-again");
    const yours = bet.querySelector(".bet-row.bet-yours");
    const heading = bet.querySelector(".bet-heading");
    const best = Number(bet.dataset.best);

    const chosen = () => boxes.filter((box) => box.checked);
    const card = (box) => box.closest(".bet-card");

    function count(extra) {
      const number = chosen().length;
      compare.disabled = number !== CHOSEN;
      const left = CHOSEN - number;
      task.textContent = extra || (left ? `${number} of ${CHOSEN} chosen.` : "Five chosen. Compare, or change your mind.");
      boxes.forEach((box) => card(box).classList.toggle("bet-chosen", box.checked));
    }

    function tick(event) {
      if (chosen().length > CHOSEN) {
        event.target.checked = false;
        count("Five are chosen. Take one back before you take another.");
      } else {
        count();
      }
    }

    function open() {
      const share = chosen().reduce((sum, box) => sum + Number(box.dataset.value), 0) / best;
      yours.querySelector(".bet-percent").textContent = `${Math.round(100 * share)} %`;
      yours.querySelector(".bet-fill").style.width = `${Math.round(100 * Math.min(Math.max(share, 0), 1))}%`;
      bet.classList.replace("bet-closed", "bet-open");
      boxes.forEach((box) => (box.disabled = true));
      compare.hidden = true;
      again.hidden = false;
      task.textContent = "Each card now says what it is worth and who chose it.";
      heading.focus();
    }

    function restart() {
      bet.classList.replace("bet-open", "bet-closed");
      boxes.forEach((box) => {
        box.disabled = false;
        box.checked = false;
      });
      compare.hidden = false;
      again.hidden = true;
      count(`Choose ${CHOSEN}.`);
      boxes[0].focus();
    }

    boxes.forEach((box) => {
      box.checked = false;
      box.addEventListener("change", tick);
    });
    compare.addEventListener("click", open);
    again.addEventListener("click", restart);
    bet.classList.add("bet-live", "bet-closed");
    count(`Choose ${CHOSEN}.`);
  }

  document.querySelectorAll(".bet[data-best]").forEach(play);
})();
