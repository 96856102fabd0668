# The library that multiplies matrices: OpenBLAS in its OpenMP build. The reference library, which many packages pull
# in, takes forty times as long; OpenBLAS on plain threads keeps a pool of its own that fights ours.
#
# EMBLA_BLAS=any takes whichever there is, for systems without it.
set(EMBLA_BLAS openblas CACHE STRING "The BLAS to use: openblas (its OpenMP build) or any")
set_property(CACHE EMBLA_BLAS PROPERTY STRINGS openblas any)
if(NOT EMBLA_BLAS MATCHES "^(openblas|any)$")
  message(FATAL_ERROR "EMBLA_BLAS is openblas or any, not '${EMBLA_BLAS}'")
endif()

set(EMBLA_OPENBLAS_FOLDER /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-openmp/pkgconfig CACHE PATH
    "Where openblas.pc is looked for first")
mark_as_advanced(EMBLA_OPENBLAS_FOLDER)

set(EMBLA_BLAS_HINT "On Debian: apt-get install libopenblas-openmp-dev. "
                    "On other systems -DEMBLA_BLAS=any takes another BLAS, be it slower")

# Debian has several builds beside each other, and `openblas` alone is whichever an alternative points to: the OpenMP
# build's own folder comes first, and the program is linked with what lies there.
function(embla_find_openblas)
  set(path "$ENV{PKG_CONFIG_PATH}")
  set(ENV{PKG_CONFIG_PATH} "${EMBLA_OPENBLAS_FOLDER}:${path}")
  foreach(module openblas-openmp openblas)
    pkg_check_modules(openblas QUIET IMPORTED_TARGET GLOBAL ${module})
    if(openblas_FOUND)
      break()
    endif()
  endforeach()
  set(ENV{PKG_CONFIG_PATH} "${path}")
  set(openblas_FOUND ${openblas_FOUND} PARENT_SCOPE)
  set(openblas_LINK_LIBRARIES ${openblas_LINK_LIBRARIES} PARENT_SCOPE)
endfunction()

# What OpenBLAS itself says: 0 for one thread, 1 for plain threads, 2 for OpenMP.
function(embla_ask_openblas kind)
  if(NOT DEFINED EMBLA_OPENBLAS_KIND OR NOT EMBLA_OPENBLAS_ASKED STREQUAL "${openblas_LINK_LIBRARIES}")
    set(asked ${CMAKE_BINARY_DIR}/openblas_kind)
    file(WRITE ${asked}.c "int openblas_get_parallel(void); int main(void) { return openblas_get_parallel(); }\n")
    try_run(ran compiled ${asked} ${asked}.c LINK_LIBRARIES PkgConfig::openblas)
    set(EMBLA_OPENBLAS_KIND "${ran}" CACHE INTERNAL "")
    set(EMBLA_OPENBLAS_ASKED "${openblas_LINK_LIBRARIES}" CACHE INTERNAL "")
    unset(ran CACHE)
  endif()
  set(${kind} ${EMBLA_OPENBLAS_KIND} PARENT_SCOPE)
endfunction()

embla_find_openblas()
if(openblas_FOUND)
  embla_ask_openblas(kind)
  add_library(embla::blas ALIAS PkgConfig::openblas)
  if(NOT kind EQUAL 2 AND EMBLA_BLAS STREQUAL openblas)
    list(GET openblas_LINK_LIBRARIES 0 library)
    message(FATAL_ERROR "OpenBLAS is here (${library}), but not its OpenMP build, and the threads of the others "
                        "compete with Embla's. " ${EMBLA_BLAS_HINT})
  endif()
elseif(EMBLA_BLAS STREQUAL any)
  embla_need(blas "cblas;blas-netlib;blas" libopenblas-openmp-dev)
else()
  message(FATAL_ERROR "OpenBLAS was not found. " ${EMBLA_BLAS_HINT})
endif()
