// SPDX-License-Identifier: LGPL-2.1-or-later
// unique_ptr for the C types used here, and the barrier that keeps exceptions out of GObject's
// vfuncs.
#pragma once

#include <gst/gst.h>

#include <exception>
#include <memory>

namespace dragoman {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};

template <typename T>
using GObjectPtr = std::unique_ptr<T, Deleter<g_object_unref>>;
template <typename T>
using GstObjectPtr = std::unique_ptr<T, Deleter<gst_object_unref>>;
using CharPtr = std::unique_ptr<char, Deleter<g_free>>;
using ErrorPtr = std::unique_ptr<GError, Deleter<g_error_free>>;
using StructurePtr = std::unique_ptr<GstStructure, Deleter<gst_structure_free>>;

/// For caps, buffers, messages, events, queries. Their own unref functions are inline in C, so that
/// types made of them would differ from file to file.
struct MiniObjectDeleter {
  template <typename T>
  void operator()(T* object) const {
    gst_mini_object_unref(GST_MINI_OBJECT_CAST(object));
  }
};
using CapsPtr = std::unique_ptr<GstCaps, MiniObjectDeleter>;
using BufferPtr = std::unique_ptr<GstBuffer, MiniObjectDeleter>;

/// Runs `body`; an exception becomes an element error and `on_error`. For the bodies of vfuncs:
/// none may leave one.
template <typename Result, typename Body>
Result guarded(gpointer element, Result on_error, Body&& body) noexcept {
  try {
    return body();
  } catch (const std::exception& error) {
    GST_ELEMENT_ERROR(GST_ELEMENT(element), LIBRARY, FAILED, ("%s", error.what()), (nullptr));
  } catch (...) {
    GST_ELEMENT_ERROR(GST_ELEMENT(element), LIBRARY, FAILED, ("unknown exception"), (nullptr));
  }
  return on_error;
}

}  // namespace dragoman
