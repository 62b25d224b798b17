"""One synthesiser made of all the voices: knobs and choices to log-mel clips."""
import torch

import voices
from front import BAND_HZ, BANDS, FRAMES, OCTAVES, decay_along
from voices import (BURST, CONTINUOUS, EVENTS, IRREGULAR, MODES, ONCE, PARTIALS, REGULAR, Events,
                    Knobs)

VOICES = ["tone", "call", "noise", "pulses", "struck", "grains"]
SOUNDING = torch.tensor([0.45, 0.30, 0.45, 0.30, 0.32, 0.28])
# A background goes on and on: more noise, fewer calls.
BEHIND = torch.tensor([0.25, 0.06, 0.70, 0.25, 0.08, 0.40])
KINDS = torch.tensor([0.22, 0.26, 0.22, 0.16, 0.14])  # CONTINUOUS, ONCE, REGULAR, IRREGULAR, BURST
KINDS_BEHIND = torch.tensor([0.80, 0.0, 0.12, 0.08, 0.0])
assert [CONTINUOUS, ONCE, REGULAR, IRREGULAR, BURST] == list(range(5))
FLOOR = 1e-4


def choose(n, background=False):
    """What the variants of a clip share: which voices, their events, and every yes or no."""
    often = BEHIND if background else SOUNDING
    kinds = KINDS_BEHIND if background else KINDS
    chance = lambda p: (torch.rand(n, 1) < p).float()
    kind = lambda: torch.multinomial(kinds, n, replacement=True)[:, None]
    on = (torch.rand(n, len(VOICES)) < often).float()
    silent = on.sum(1) == 0
    on[silent, torch.multinomial(often, int(silent.sum()) or 1, replacement=True)[:int(silent.sum())]] = 1
    first = kind()
    shared = dict(
        on=on, first=first, second=torch.where(chance(0.4) > 0, first, kind()),
        pattern=(torch.rand(n, len(VOICES)) < 0.5).float(),
        room=chance(0.6), echo=chance(0.15), comb=chance(0.25), backwards=chance(0.08),
        curve=torch.randn(n, 10), delay=torch.randint(4, 40, (n, 1)))
    each = [dict(
        lfo=torch.multinomial(torch.tensor([0.6, 0.25, 0.15]), n, replacement=True)[:, None],
        lfo2=torch.multinomial(torch.tensor([0.6, 0.25, 0.15]), n, replacement=True)[:, None],
        tremolo=chance(0.4), gusts=chance(0.4), sweep=chance(0.5), glide=chance(0.6),
        melody=chance(0.35), vibrato=chance(0.35), walk=chance(0.4), fm=chance(0.35),
        two=chance(0.3), ring=chance(0.15), breath=chance(0.5), drive=chance(0.15),
        jitter=chance(0.6), chance=chance(0.4), flutter=chance(0.5), beats=chance(0.4),
        notes=torch.randn(n, EVENTS), partials=torch.randn(n, PARTIALS),
        modes=torch.randn(n, MODES), mode_levels=torch.randn(n, MODES),
        ratio=torch.randint(0, len(voices.RATIOS), (n, 1)),
        body=torch.randint(0, len(voices.MODE_RATIOS), (n, 1)),
        interval=2 ** (torch.randint(-12, 25, (n, 1)) / 12) * (1 + 0.01 * torch.randn(n, 1)))
        for _ in VOICES]
    return shared, each


def play(name, knobs, choices, events):
    """Mel power of one voice."""
    if name == "tone":
        return voices.tonal(knobs, name, choices, events, 45, 3000)
    if name == "call":
        return voices.tonal(knobs, name, choices, events, 150, 5000)
    return getattr(voices, name)(knobs, name, choices, events)


def room(knobs, shared, power):
    """A tail that decays faster the higher the band, and now and then one echo."""
    ring = knobs.log("room.ring", 0.015, 0.8) * 2 ** (knobs.lin("room.damping", -0.6, 0.1) * OCTAVES)
    tail = decay_along(power, torch.exp(-0.04 / ring)) - power
    wet = (knobs.log("room.wet", 0.003, 0.5) * shared["room"])[:, :, None]
    out = power + tail * wet * 2 * torch.rand_like(power)
    at = torch.arange(FRAMES)[None] - shared["delay"]
    late = torch.gather(power, 1, at.clamp(min=0)[:, :, None].expand_as(power)) * (at >= 0)[:, :, None]
    return out + late * (knobs.log("room.echo", 0.02, 0.6) * shared["echo"])[:, :, None]


def body(knobs, shared):
    """The colour that a body, a pipe or a cheap microphone gives: mel power gain `[N, 1, BANDS]`."""
    curve = torch.nn.functional.interpolate(shared["curve"][:, None], size=BANDS, mode="linear",
                                            align_corners=True)[:, 0]
    delay = knobs.log("body.delay", 0.0003, 0.004)
    ripple = torch.cos(2 * torch.pi * BAND_HZ * delay) * shared["comb"] * knobs.lin("body.comb", 0, 8)
    return 10 ** ((knobs.lin("body.depth", 0, 7) * curve + ripple) / 10)[:, None]


def synthesise(u, shared, each):
    """Knobs `[N, Knobs.COUNT]` and choices to log-mel `[N, FRAMES, BANDS]` of mean power 1, and the
    level of every voice in dB `[N, FRAMES, voices]`."""
    n, knobs = len(u), Knobs(u)
    patterns = [Events(knobs, "first", shared["first"]), Events(knobs, "second", shared["second"])]
    powers = torch.zeros(n, FRAMES, len(VOICES))
    total = torch.zeros(n, FRAMES, BANDS)
    for v, name in enumerate(VOICES):
        gain = 10 ** (knobs.lin(f"{name}.level", -18, 0) / 10)
        for which, events in enumerate(patterns):
            rows = ((shared["on"][:, v] > 0) & (shared["pattern"][:, v] == which)).nonzero()[:, 0]
            if len(rows) == 0:
                continue
            choices = {key: value[rows] for key, value in each[v].items()}
            power = play(name, knobs.of(rows), choices, events.of(rows))
            power = power / (power.mean((1, 2), keepdim=True) + 1e-12)
            power = power * (gain[rows] * shared["on"][rows, v:v + 1])[:, :, None]
            total[rows] += power
            powers[rows, :, v] += power.mean(2)
    levels = 10 * torch.log10(powers / (powers.sum(2).mean(1)[:, None, None] + 1e-12) + 1e-6)
    total = room(knobs, shared, total * body(knobs, shared))
    total = total / (total.mean((1, 2), keepdim=True) + 1e-12)
    turn = shared["backwards"][:, :, None] > 0
    total, levels = torch.where(turn, total.flip(1), total), torch.where(turn, levels.flip(1), levels)
    return torch.log(total.sqrt() + FLOOR), levels


def name_knobs():
    """Plays every voice once, so that every knob has its column whatever is drawn later."""
    shared, each = choose(2)
    shared["on"][:] = 1
    synthesise(torch.rand(2, Knobs.COUNT), shared, each)
    return dict(Knobs.columns)
