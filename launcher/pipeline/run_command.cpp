// SPDX-License-Identifier: LGPL-2.1-or-later
// `dragoman run`: one pipeline file in the foreground.
#include <glib-unix.h>
#include <gst/gst.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "launcher/command.h"
#include "launcher/pipeline/arguments.h"
#include "launcher/pipeline/commands.h"
#include "launcher/pipeline/gstreamer_use.h"
#include "launcher/pipeline/pipeline_builder.h"
#include "launcher/pipeline/player.h"
#include "launcher/pipeline/run_output.h"
#include "launcher/util/values.h"

namespace dragoman {
namespace {

constexpr char kUsage[] =
    "usage: dragoman run FILE key=value… [--json]\n\n"
    "Runs the pipeline of FILE (a path, or a name in the pipelines folder) until it ends.\n"
    "Ctrl-C ends it cleanly, a second one at once.\n"
    "  --json   every message as one JSON object a line\n"
    "  --help   after FILE: what it takes\n";

constexpr std::chrono::milliseconds kPatience(10'000);
constexpr guint kProgressMs = 500;
constexpr int kExitInterrupted = 128 + SIGINT;

class Run : public PlayerListener {
 public:
  Run(GstObjectPtr<GstElement> pipeline, std::unique_ptr<RunOutput> output)
      : output_(std::move(output)), player_(std::move(pipeline), *this) {}

  int run() {
    const guint interrupt = g_unix_signal_add(SIGINT, on_signal, this);
    const guint terminate = g_unix_signal_add(SIGTERM, on_signal, this);
    const guint progress = g_timeout_add(kProgressMs, on_progress, this);
    player_.play();
    g_main_loop_run(loop_.get());
    g_source_remove(progress);
    g_source_remove(terminate);
    g_source_remove(interrupt);
    return failed_ ? kExitFailed : kExitOk;
  }

 private:
  void on_playing() override {}
  void on_element_message(GstMessage* message) override {
    const GstStructure* structure = gst_message_get_structure(message);
    if (!structure) return;
    GVariant* fields = g_variant_ref_sink(variant_from_structure(structure));
    output_->message(gst_structure_get_name(structure), fields);
    g_variant_unref(fields);
  }
  void on_warning(const std::string&, const std::string& text) override { output_->warning(text); }
  void on_ended(const std::string& reason, const std::string& detail) override {
    output_->end(reason, detail);
    failed_ = reason == "error";
    g_main_loop_quit(loop_.get());
  }

  static gboolean on_signal(gpointer self) {
    auto* run = static_cast<Run*>(self);
    if (run->interrupted_) _exit(kExitInterrupted);
    run->interrupted_ = true;
    run->player_.stop(kPatience);
    return G_SOURCE_CONTINUE;
  }

  static gboolean on_progress(gpointer self) {
    auto* run = static_cast<Run*>(self);
    gint64 position = 0, duration = 0;
    GstElement* pipeline = run->player_.pipeline();
    if (gst_element_query_position(pipeline, GST_FORMAT_TIME, &position)) {
      if (!gst_element_query_duration(pipeline, GST_FORMAT_TIME, &duration)) duration = 0;
      run->output_->progress(static_cast<double>(position) / GST_SECOND,
                             static_cast<double>(std::max<gint64>(duration, 0)) / GST_SECOND);
    }
    return G_SOURCE_CONTINUE;
  }

  std::unique_ptr<GMainLoop, Deleter<g_main_loop_unref>> loop_{g_main_loop_new(nullptr, FALSE)};
  std::unique_ptr<RunOutput> output_;
  Player player_;
  bool interrupted_ = false, failed_ = false;
};

}  // namespace

int run_command(int argc, char** argv) {
  const auto arguments = parse_arguments(argc, argv, {"--json", "--help"});
  if (!arguments) return std::fputs(kUsage, stderr), kExitUsage;
  if (arguments->file.empty()) return std::fputs(kUsage, stdout), kExitOk;
  Problems problems;
  const auto file = load_pipeline(arguments->file, problems);
  if (file && arguments->flags.count("--help")) {
    std::printf("%s", describe(*file).c_str());
    return kExitOk;
  }
  const GstreamerUse gstreamer;
  auto pipeline = file ? build_pipeline(*file, arguments->values, problems) : nullptr;
  if (!pipeline) {
    std::fprintf(stderr, "%s\n", text_of(problems).c_str());
    return kExitFailed;
  }
  const bool json = arguments->flags.count("--json");
  return Run(std::move(pipeline), json ? make_json_output() : make_terminal_output()).run();
}

}  // namespace dragoman
