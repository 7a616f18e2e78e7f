// --convert: writes --model as a Hugging Face folder.
#include <cstdio>

#include "common/failure.hpp"
#include "common/text.hpp"
#include "modes/modes.hpp"
#include "modes/write_model.hpp"

namespace app {

int convert(const options& o) {
    const open_checkpoint from = open_for_conversion(o);
    const std::string written = write_model(o, from, from.labels, std::nullopt);
    std::printf("%s: %s\n", terminal_text(o.convert).c_str(), written.c_str());
    return all_good;
}

}  // namespace app
