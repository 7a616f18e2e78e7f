// tiny(): the configuration of the small models in tests/data, TINY of tests/golden/make_checkpoints.py.
#pragma once

#include <cvt/config.hpp>

namespace cvt_test {

inline cvt::config tiny() {
    cvt::config c = cvt::cvt_13;
    c.num_classes = 10;
    for (std::size_t i = 0; i < 3; ++i) {
        c.stage[i].embed_dim = static_cast<int>(4 * (i + 1));
        c.stage[i].num_heads = static_cast<int>(i + 1);
        c.stage[i].depth = 1;
    }
    return c;
}

}  // namespace cvt_test
