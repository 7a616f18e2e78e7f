// The one source with a decoder of sounds in it: the library cvt::sound.
#define CVT_SOUND_IMPLEMENTATION
#include <cvt/extra/sound.hpp>
