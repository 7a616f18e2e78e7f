// The one source with stb_image in it, for the programs of this repository.
#define CVT_DECODE_IMPLEMENTATION
#include <cvt/extra/decode.hpp>
