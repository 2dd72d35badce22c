// Runs in each page before its own scripts: what a person would see is wrong with it. Plain JavaScript, since the compiler
// knows no `document` here, on purpose: the core must not.

// Nobody waits for the change of colours to fade in.
const still = new CSSStyleSheet();
still.replaceSync("*, ::before, ::after { transition: none !important; animation: none !important; }");
document.adoptedStyleSheets.push(still);

const NARROWEST_TEXT = 8; // pixels, of a chart's labels

/** Whether it is meant so: a table or a block of code that scrolls in itself, a heading in the outline that is cut short. */
function scrolls(element) {
  for (let box = element; box !== null; box = box.parentElement) {
    const { overflowX, textOverflow } = getComputedStyle(box);
    if (["auto", "scroll"].includes(overflowX) || textOverflow === "ellipsis") return true;
  }
  return false;
}

function isShown(element) {
  return element.checkVisibility({ checkVisibilityCSS: true, checkOpacity: true });
}

function named(element) {
  return `<${element.localName} class="${element.getAttribute("class") ?? ""}"> ${element.textContent.trim().slice(0, 60)}`;
}

/** Elements with text of their own that sticks out of the window, or out of the box around it. */
function textOutside() {
  const found = [];
  for (const element of document.querySelectorAll("#app *")) {
    const hasText = Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.data.trim() !== "");
    if (!hasText || !isShown(element) || element.closest(".visually-hidden, svg") !== null) continue;
    const range = document.createRange();
    range.selectNodeContents(element);
    const text = range.getBoundingClientRect();
    const box = element.closest("p, li, td, th, h1, h2, h3, h4, h5, h6, a, button, main, aside, header, pre");
    const right = Math.min(innerWidth, box === null ? innerWidth : box.getBoundingClientRect().right);
    if (text.width > 1 && text.right > right + 1 && !scrolls(element)) found.push(named(element));
  }
  return found;
}

/** Images that did not load, and charts whose labels are too small to read. */
function imagesAmiss() {
  const images = Array.from(document.querySelectorAll(".vp-doc img, .VPHome img"));
  return images.flatMap((image) => {
    if (!image.complete || image.naturalWidth === 0) return [`${image.src} did not load`];
    const size = (13 * image.clientWidth) / image.naturalWidth;
    return size < NARROWEST_TEXT ? [`${image.src} is shown too small: ${size.toFixed(1)} px`] : [];
  });
}

globalThis.look = () => ({
  wide:
    document.documentElement.scrollWidth > innerWidth
      ? [`the page is ${document.documentElement.scrollWidth} px wide`]
      : [],
  textOutside: textOutside(),
  imagesAmiss: imagesAmiss(),
});

globalThis.read = () => ({
  anchors: Array.from(document.querySelectorAll("[id]"), ({ id }) => id),
  links: Array.from(document.querySelectorAll("a[href]"), (link) => link.href),
});

/** Whether Vue has taken the page over, and everything that it loads is there. */
globalThis.isAlive = () =>
  document.readyState === "complete" &&
  Object.hasOwn(document.querySelector("#app") ?? {}, "__vue_app__") &&
  document.fonts.status === "loaded" &&
  Array.from(document.querySelectorAll(".playground")).every(({ dataset }) => dataset.ready === "true");
