import { mount } from "svelte";
import App from "./App.svelte";
import { app } from "./lib/app";
import "./style.css";

app.start();
mount(App, { target: document.getElementById("app")! });
