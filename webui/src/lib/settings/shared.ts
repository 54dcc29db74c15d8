import { app } from "../app";
import { SettingsForm } from "./form.svelte";

/** One for the whole app: going to another page and back loses nothing. */
export const form = new SettingsForm(app);
