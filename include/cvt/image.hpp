// Images to inputs: image_view, preprocessing, output_size() and image_preprocessor. The include for hosts; image/ holds the parts.
#pragma once

#include "image/image_view.hpp"
#include "image/input_size.hpp"
#include "image/preprocessing.hpp"
#include "image/preprocessor.hpp"
