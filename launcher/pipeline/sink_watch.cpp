// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/pipeline/sink_watch.h"

#include <functional>
#include <set>
#include <vector>

#include "plugins/common/handles.h"

namespace dragoman {
namespace {

using IteratorPtr = std::unique_ptr<GstIterator, Deleter<gst_iterator_free>>;

/// Calls `take` for each item of `iterator`, which it frees. Items may come twice, should others
/// change what it iterates over.
template <typename Item>
void for_each(GstIterator* iterator, const std::function<void(Item*)>& take) {
  const IteratorPtr items(iterator);
  const auto call = [](const GValue* value, gpointer data) {
    (*static_cast<const std::function<void(Item*)>*>(data))(
        static_cast<Item*>(g_value_get_object(value)));
  };
  while (gst_iterator_foreach(items.get(), call, const_cast<std::function<void(Item*)>*>(&take)) ==
         GST_ITERATOR_RESYNC) {
    gst_iterator_resync(items.get());
  }
}

std::string location_of(GstElement* source) {
  char* location = nullptr;
  g_object_get(source, "location", &location, nullptr);
  const CharPtr owned(location);
  return location ? location : "";
}

bool is_file_source(GstElement* element) {
  const GstElementFactory* factory = gst_element_get_factory(element);
  return factory && g_str_equal(GST_OBJECT_NAME(factory), "filesrc");
}

}  // namespace

SinkWatch::SinkWatch(GstElement* pipeline) : pipeline_(pipeline) {
  for_each<GstElement>(gst_bin_iterate_sinks(GST_BIN(pipeline)),
                       [this](GstElement* sink) { watch(sink); });
}

void SinkWatch::watch(GstElement* sink) {
  if (!reached_.try_emplace(sink, std::make_shared<std::atomic<bool>>(false)).second) return;
  for_each<GstPad>(gst_element_iterate_sink_pads(sink), [&](GstPad* pad) {
    gst_pad_add_probe(
        pad, GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST),
        [](GstPad*, GstPadProbeInfo*, gpointer flag) {
          **static_cast<Flag*>(flag) = true;
          return GST_PAD_PROBE_REMOVE;
        },
        new Flag(reached_[sink]), [](gpointer flag) { delete static_cast<Flag*>(flag); });
  });
}

/// Walks downstream: true if there are sinks, and none of them had a buffer.
bool SinkWatch::is_unheard(GstElement* source) const {
  bool any_sink = false, any_reached = false;
  std::set<GstElement*> seen = {source};
  std::vector<GstElement*> next = {source};
  while (!next.empty()) {
    GstElement* element = next.back();
    next.pop_back();
    if (const auto sink = reached_.find(element); sink != reached_.end()) {
      any_sink = true;
      any_reached |= sink->second->load();
    }
    for_each<GstPad>(gst_element_iterate_src_pads(element), [&](GstPad* pad) {
      const GstObjectPtr<GstPad> peer(gst_pad_get_peer(pad));
      const GstObjectPtr<GstElement> behind(peer ? gst_pad_get_parent_element(peer.get())
                                                 : nullptr);
      if (behind && seen.insert(behind.get()).second) next.push_back(behind.get());
    });
  }
  return any_sink && !any_reached;
}

std::string SinkWatch::unheard_file() const {
  std::string file;
  for_each<GstElement>(gst_bin_iterate_sources(GST_BIN(pipeline_)), [&](GstElement* source) {
    if (file.empty() && is_file_source(source) && is_unheard(source)) file = location_of(source);
  });
  return file;
}

}  // namespace dragoman
