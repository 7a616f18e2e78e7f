// What the snippets in the comments of the public classes may use, and the list of them that snippets.cmake writes.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cvt/cvt.hpp>
#include <cvt/extra/head_trainer.hpp>
#include <cvt/extra/json.hpp>
#include <cvt/open_checkpoint.hpp>
#include <functional>
#include <numeric>
#include <span>
#include <thread>
#include <vector>

struct class_snippet {
    const char* name;  // of the class
    int lines;         // 0: it has no snippet
};
extern const std::vector<class_snippet> class_snippets;
extern const int blocks_of_code;  // in all headers

inline int report(const cvt::error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
}

// A function whose body is a snippet. It is compiled and never called: some snippets read files.
#define CVT_SNIPPET(name)                                                                                                            \
    int snippet_of_##name([[maybe_unused]] const cvt::model& model, [[maybe_unused]] cvt::session& session,                          \
                          [[maybe_unused]] const cvt::image_view& photo, [[maybe_unused]] std::span<float> logits,                   \
                          [[maybe_unused]] std::span<const float> samples, [[maybe_unused]] const cvt::weight_source& my_head,       \
                          [[maybe_unused]] const cvt::weight_source& encoder, [[maybe_unused]] cvt::view<const float, 2> embeddings, \
                          [[maybe_unused]] std::span<const int> labels, [[maybe_unused]] const cvt::result<cvt::trained_head>& head)
