"""Short songs for the tests of training: make_songs.py FOLDER SECONDS...

One stereo WAV of 16 bits at 48 kHz per number: a chord of its own with a beat and some noise, the same bytes every time; beside each
its prompt and its lyrics.
"""
import array
import math
import random
import sys
import wave

RATE = 48000
LYRICS = ["[Instrumental]\n", "[Verse]\nrain on the window\n[Chorus]\nslow down\n"]


def song(number, seconds):
    noise = random.Random(number)
    tones = [110 * 2 ** ((number * 5 + step) / 12) for step in (0, 3, 7, 10)]
    samples = array.array("h")
    for frame in range(int(seconds * RATE)):
        time = frame / RATE
        beat = math.exp(-4 * (time * (1 + number % 3) % 1))
        chord = sum(math.sin(2 * math.pi * tone * time) for tone in tones) / len(tones)
        left = 0.5 * chord * (0.4 + 0.6 * beat) + 0.02 * noise.uniform(-1, 1)
        right = 0.5 * chord * (0.7 + 0.3 * beat) + 0.02 * noise.uniform(-1, 1)
        samples.extend((int(32767 * left), int(32767 * right)))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


def main():
    folder, lengths = sys.argv[1], [float(text) for text in sys.argv[2:]]
    for number, seconds in enumerate(lengths, 1):
        path = f"{folder}/track {number}"
        with wave.open(path + ".wav", "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(song(number, seconds))
        with open(path + "_prompt.txt", "w") as file:
            file.write(f"lofi hip hop, mellow, tag {number}, piano, {60 + 5 * number} bpm\n")
        with open(path + "_lyrics.txt", "w") as file:
            file.write(LYRICS[number % len(LYRICS)])


main()
