# What Embla stands on. Each missing piece is named with the Debian package that has it.
find_package(PkgConfig REQUIRED)

function(embla_need target modules package)
  foreach(module ${modules})
    pkg_check_modules(${target} QUIET IMPORTED_TARGET ${module})
    if(${target}_FOUND)
      add_library(embla::${target} ALIAS PkgConfig::${target})
      set(${target}_VERSION ${${target}_VERSION} PARENT_SCOPE)
      set(${target}_LINK_LIBRARIES ${${target}_LINK_LIBRARIES} PARENT_SCOPE)
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "${target} was not found. On Debian: apt-get install ${package}")
endfunction()

embla_need(lua "lua5.4;lua-5.4;lua54" liblua5.4-dev)
embla_need(libedit libedit libedit-dev)
embla_need(utf8proc libutf8proc libutf8proc-dev)
embla_need(zlib zlib zlib1g-dev)
embla_need(jansson jansson libjansson-dev)
embla_need(libzip libzip libzip-dev)
embla_need(xxhash libxxhash libxxhash-dev)
if(EMBLA_TESTS OR NOT DEFINED EMBLA_TESTS)
  embla_need(cmocka cmocka libcmocka-dev)
endif()

find_package(OpenMP COMPONENTS C)
if(NOT OpenMP_C_FOUND)
  message(FATAL_ERROR "OpenMP was not found. On Debian: apt-get install gcc (libgomp comes with it), "
                      "or libomp-dev for clang")
endif()

include(Blas)
