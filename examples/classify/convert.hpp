// --convert: the model as a Hugging Face folder with safetensors.
#pragma once

#include "options.hpp"

namespace app {

/// Writes the folder and says what is in it on standard output. Returns the exit code; throws failure.
int convert_model(const options& o);

}  // namespace app
