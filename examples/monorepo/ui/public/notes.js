const json = async (path, options) => (await fetch(path, options)).json();

async function show() {
  const items = (await json("api/notes")).map(({ title, text }) => {
    const li = document.createElement("li");
    li.textContent = text ? `${title}: ${text}` : title;
    return li;
  });
  document.querySelector("#notes").replaceChildren(...items);
}

document.querySelector("#new").addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = JSON.stringify(Object.fromEntries(new FormData(event.target)));
  await json("api/notes", { method: "POST", body });
  event.target.reset();
  await show();
});

json("version.json").then(({ ui }) => { document.querySelector("#version").textContent = ui; });
show();
