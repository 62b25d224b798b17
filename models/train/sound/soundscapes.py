#!/usr/bin/env python3
"""Mixes streams of places out of real recordings, for evaluate.py: to measure with, never to train on.

  soundscapes.py --clips DEV/audio/esc16k --out STREAMS --scenes 10,12,14 --events 0,4,20

CLIPS has a folder `cNN` for every class of ESC-50 that is asked for, with clips as FLAC, 16 kHz, mono. A
stream is a place that sounds as it always does for `--learn-s` seconds, and then for `--test-s` more with
a foreign sound every 6 to 14 s. Five of eight clips of the place are for learning and the others for the test.

OUT gets `PLACE.wav` and `PLACE.csv` (`start_s`, `end_s` and `kind` of every foreign sound) for every place, and
`streams.json`. The same clips, settings and seed give the same files; a place is the same whichever others
are asked for. Needs: numpy, soundfile.
"""
import argparse
import csv
import json
from pathlib import Path

import numpy as np
import soundfile

RATE, FADE = 16_000, 4_000  # a second; samples in which one clip passes into the next
LOUDNESS = 0.05
NAMES = """
    dog rooster pig cow frog cat hen insects sheep crow
    rain sea_waves crackling_fire crickets chirping_birds water_drops wind pouring_water toilet_flush thunderstorm
    crying_baby sneezing clapping breathing coughing footsteps laughing brushing_teeth snoring drinking
    door_knock mouse_click keyboard door_creaks can_opening washing_machine vacuum_cleaner clock_alarm clock_tick
    glass_breaking
    helicopter chainsaw siren car_horn engine train church_bells airplane fireworks hand_saw
""".split()  # ESC-50's classes, in its order


def rms(x):
    return np.sqrt(np.mean(x ** 2))


def clips_of(folder, number):
    """Every clip of a class."""
    files = sorted((folder / f"c{number:02}").glob("*.flac"))
    if not files:
        raise SystemExit(f"{folder}: no clips c{number:02}/*.flac ({NAMES[number]})")
    found = [soundfile.read(file, dtype="float32") for file in files]
    for file, (samples, rate) in zip(files, found):
        if rate != RATE or samples.ndim > 1:
            raise SystemExit(f"{file}: {rate} Hz, shape {samples.shape}; {RATE} Hz and mono are read")
    return [samples for samples, _ in found]


def ambience(clips, seconds, rng):
    """All clips in random order, again and again: equally loud but for 3 dB up or down, faded into each other."""
    rise, made = np.linspace(0, 1, FADE, dtype=np.float32), np.zeros(0, np.float32)
    while len(made) < seconds * RATE:
        for i in rng.permutation(len(clips)):
            x = clips[i] / (rms(clips[i]) + 1e-4) * LOUDNESS * 10 ** (rng.uniform(-3, 3) / 20)
            if len(made):
                made[-FADE:] = made[-FADE:] * (1 - rise) + x[:FADE] * rise
                x = x[FADE:]
            made = np.concatenate([made, x])
    return made[:seconds * RATE]


def loudest(x, count):
    """The `count` samples in a row with the most energy; silence behind a clip that is shorter."""
    if len(x) <= count:
        return np.pad(x, (0, count - len(x)))
    start = int(np.argmax(np.convolve(x ** 2, np.ones(count, np.float32), "valid")))
    return x[start:start + count]


def stream(clips, events, learn_s, test_s, snr_db, rng):
    """Samples of one place, and `(start, end, kind)` of each foreign sound in it."""
    order, most = rng.permutation(len(clips)), len(clips) * 5 // 8
    x = np.concatenate([ambience([clips[i] for i in part], seconds, rng)
                        for part, seconds in ((order[:most], learn_s), (order[most:], test_s))])
    sounds, kinds, at = [], list(events), learn_s + 10.0
    while at < learn_s + test_s - 5:
        kind, seconds = kinds[rng.integers(len(kinds))], rng.uniform(0.7, 2.0)
        count, start = int(seconds * RATE), int(at * RATE)
        sound = loudest(events[kind][rng.integers(len(events[kind]))], count)
        behind = x[start:start + count]
        behind += sound * (rms(behind) / (rms(sound) + 1e-6) * 10 ** (snr_db / 20))
        sounds.append((round(at, 3), round(at + seconds, 3), NAMES[kind]))
        at += rng.uniform(6, 14)
    return np.clip(x, -1, 1), sounds


def classes(text):
    """Numbers of classes between commas."""
    numbers = [int(part) for part in text.split(",")]
    if not all(0 <= number < len(NAMES) for number in numbers):
        raise argparse.ArgumentTypeError(f"classes are numbers from 0 to {len(NAMES) - 1}")
    return numbers


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--clips", required=True, type=Path)
    p.add_argument("--out", required=True, type=Path)
    p.add_argument("--scenes", required=True, type=classes, help="classes that are places, as 10,12")
    p.add_argument("--events", required=True, type=classes, help="classes that are foreign there")
    p.add_argument("--learn-s", type=int, default=600)
    p.add_argument("--test-s", type=int, default=600)
    p.add_argument("--snr-db", type=float, default=0.0, help="of a foreign sound over what it is mixed into")
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    events = {number: clips_of(a.clips, number) for number in a.events}
    for number in a.scenes:
        clips, name = clips_of(a.clips, number), NAMES[number]
        if len(clips) < 2:
            raise SystemExit(f"{a.clips}: one clip of {name}; learning and test need one each")
        rng = np.random.default_rng([a.seed, number])
        x, sounds = stream(clips, events, a.learn_s, a.test_s, a.snr_db, rng)
        soundfile.write(a.out / f"{name}.wav", x, RATE, subtype="PCM_16")
        with open(a.out / f"{name}.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["start_s", "end_s", "kind"])
            writer.writerows(sounds)
        print(f"{name}: {len(sounds)} foreign sounds in {a.test_s} s", flush=True)
    about = {"scenes": [NAMES[number] for number in a.scenes], "learn_s": a.learn_s, "test_s": a.test_s,
             "snr_db": a.snr_db, "seed": a.seed}
    (a.out / "streams.json").write_text(json.dumps(about, indent=1))


if __name__ == "__main__":
    main()
