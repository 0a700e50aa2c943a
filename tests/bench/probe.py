# What a stationprobe costs: CPU time for the same audio as GStreamer's own level and spectrum elements take, in the same run.
import os
import pathlib
import resource
import subprocess
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("DRAGOMAN_BUILD", SOURCE / "build"))
PROMPT = pathlib.Path("/usr/share/asterisk/sounds/en_US_f_Allison/conf-adminmenu-162.wav")
ROUNDS = 3

ELEMENTS = {
    "nothing": "",
    "level": "level interval=100000000 post-messages=true !",
    "level and spectrum": "level interval=100000000 ! spectrum interval=100000000 !",
    "webrtcdsp": "webrtcdsp echo-cancel=false !",
    "stationprobe, station 3": "stationprobe station=St_3 tap=PRE trace=bench !",
    "stationprobe, all": "stationprobe station=all tap=PRE trace=bench !",
    "PRE and POST, station 3": "stationprobe station=St_3 tap=PRE trace=bench ! stationprobe station=St_3 tap=POST trace=bench !",
    "PRE and POST, all": "stationprobe station=all tap=PRE trace=bench ! stationprobe station=all tap=POST trace=bench !",
}


def cpu_of(path, element):
    """CPU seconds of one run, all threads."""
    environment = dict(os.environ, GST_PLUGIN_PATH=str(BUILD / "plugins/station"), DRAGOMAN_DATA=str(SOURCE / "data"))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    line = f"filesrc location={path} ! wavparse ! audiobuffersplit output-buffer-duration=1/50 ! {element} fakesink sync=false"
    subprocess.run(["gst-launch-1.0", "-q", *line.split()], env=environment, check=True, stdout=subprocess.DEVNULL, timeout=300)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure_probe(seconds=600):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "speech.wav"
        subprocess.run(["sox", str(PROMPT), "-r", "16000", "-b", "16", str(path), "repeat", "-", "trim", "0", str(seconds)], check=True)
        runs = {name: [] for name in ELEMENTS}
        for _ in range(ROUNDS):  # interleaved, so that a busy moment hits all
            for name, element in ELEMENTS.items():
                runs[name].append(cpu_of(path, element))
    least = {name: min(times) for name, times in runs.items()}
    own = {name: time - least["nothing"] for name, time in least.items() if name != "nothing"}
    yardstick = own["level and spectrum"]
    return {name: {"cpu_ms_per_second_of_audio": round(1000 * time / seconds, 3), "times_level_and_spectrum": round(time / yardstick, 2)}
            for name, time in own.items()}
