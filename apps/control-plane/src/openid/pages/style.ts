/** The stylesheet of every page. */
export const style = `
:root { color-scheme: light dark; --line: light-dark(#c4cad3, #4a5260); --accent: light-dark(#0b5cad, #6cb2f7);
  --wrong: light-dark(#a4161a, #ff9b9b); --card: light-dark(#fff, #1c2027); }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
  background: light-dark(#eef1f5, #101318); color: light-dark(#16191e, #e8ebf0); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 26rem; padding: 1.5rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--card);
  overflow-wrap: anywhere; }
h1 { margin: 0 0 .5rem; font-size: 1.4rem; line-height: 1.25; }
.product { margin: 0 0 1rem; font-weight: 600; color: var(--accent); }
label { display: block; margin-top: 1rem; font-weight: 600; }
input { width: 100%; margin-top: .25rem; padding: .6rem .7rem; border: 1px solid var(--line); border-radius: .3rem; font: inherit;
  background: transparent; color: inherit; }
input[aria-invalid] { border-color: var(--wrong); }
input.code { letter-spacing: .15em; text-transform: uppercase; }
button, a.button { display: block; width: 100%; margin-top: 1.25rem; padding: .65rem 1rem; border: 1px solid var(--accent);
  border-radius: .3rem; font: inherit; font-weight: 600; text-align: center; text-decoration: none; cursor: pointer;
  background: var(--accent); color: light-dark(#fff, #101318); }
button.quiet, a.button { background: transparent; color: var(--accent); }
:is(button, input, a):focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.wrong { margin: .5rem 0 0; color: var(--wrong); font-weight: 600; }
.hint, li { color: light-dark(#4a525e, #aab3c0); }
.or { margin: 1.25rem 0 0; text-align: center; }
dl { margin: 1rem 0 0; } dt { font-weight: 600; } dd { margin: 0 0 .5rem; }
code { font-size: 1.3rem; letter-spacing: .1em; }
`;
