// What --convert works on: a checkpoint that is open but not loaded.
#pragma once

#include <cvt/checkpoint/source.hpp>

#include "setup.hpp"

namespace app {

/// A checkpoint that is open, for --convert: nothing of it has been loaded.
struct open_checkpoint : decisions {
    cvt::checkpoint::checkpoint_source source;
};

/// Opens --model and fits the options to it. Throws failure as make_setup does.
open_checkpoint open_for_conversion(const options& o);

}  // namespace app
