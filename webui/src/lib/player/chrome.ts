// The player's controls; in a chunk of their own, loaded with the first video that is watched.

import "media-chrome/media-control-bar";
import "media-chrome/media-controller";
import "media-chrome/media-fullscreen-button";
import "media-chrome/media-loading-indicator";
import "media-chrome/media-mute-button";
import "media-chrome/media-pip-button";
import "media-chrome/media-play-button";
import "media-chrome/media-playback-rate-button";
import "media-chrome/media-time-display";
import "media-chrome/media-time-range";
import "media-chrome/media-volume-range";
import { En } from "media-chrome/lang/en";
import { addTranslation } from "media-chrome/utils/i18n";

// The button shows "1.5x": what it is called must contain that, for those who say it to the machine.
addTranslation("en", { ...En, "Playback rate {playbackRate}": "Playback rate {playbackRate}x" });
