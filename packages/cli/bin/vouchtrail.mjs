#!/usr/bin/env node
// A file of its own, because npm links commands when it installs, and in a fresh clone nothing is built by then.
import "../bundle/main.js";
