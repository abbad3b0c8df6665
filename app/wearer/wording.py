"""What the section says of a profile and of how measuring goes. No Qt."""

from __future__ import annotations

from app.shown import PART_WORDS
from app.translation import tr
from app.wearer.standing import Hint, Standing
from engine.motion.profile import NETWORK_SCALE, Profile


def about_of(profile: Profile | None) -> str:
    """A profile in a few words."""
    if profile is None:
        return tr("The joints stay where the network finds them.")
    body = profile.lengths
    return tr(
        "{height} m tall. Upper arm {upper_arm}, lower arm {lower_arm}, thigh {thigh}, shin {shin} cm.",
        height=f"{profile.height_m:.2f}",
        upper_arm=f"{100 * body.upper_arm:.0f}",
        lower_arm=f"{100 * body.lower_arm:.0f}",
        thigh=f"{100 * body.upper_leg:.0f}",
        shin=f"{100 * body.lower_leg:.0f}",
    )


def hint_of(hint: Hint, missing: tuple[str, ...] = (), settles_s: float | None = None) -> tuple[str, str]:
    """What the wearer is to do, and in which tone; see `Standing`."""
    if hint is Hint.SHOW:
        return tr("Not seen: {parts}. Stand upright where the camera sees your arms and feet.",
                  parts=parts_of(missing)), "warning"  # fmt: skip
    if hint in (Hint.STILL_LEGS, Hint.STILL_TRUNK):
        legs = hint is Hint.STILL_LEGS
        if settles_s is None:
            return tr("Hold your legs still.") if legs else tr("Stand upright and hold your trunk still."), "warning"
        seconds = round(settles_s + 0.49)
        if legs:
            return tr("Hold your legs still. The quietest moment counts in {seconds} s.", seconds=seconds), "warning"
        return tr("Hold your trunk still. The quietest moment counts in {seconds} s.", seconds=seconds), "warning"
    if hint is Hint.WAIT:
        return tr("Stand upright and look ahead, arms a little away from the body."), "muted"
    return tr("Good, stay like this …"), "good"


def measured_text(found: Profile, standing: Standing, height_m: float | None) -> str:
    """How it went, and how far to trust it."""
    if standing.share < 1:
        held = tr("Measured in the three seconds in which you moved least, and kept.")
    else:
        held = tr("Measured and kept. The skeleton keeps these bones now.")
    if height_m is not None:
        return held
    doubt = tr("One camera tells a height to about {doubt} cm only; better: enter yours and measure again.",
               doubt=round(100 * NETWORK_SCALE * found.height_m))  # fmt: skip
    return f"{held} {doubt}"


def gave_up(standing: Standing) -> str:
    """Why nothing was measured, and what to do next."""
    quietest = standing.quietest
    if quietest is None:
        if standing.missing:
            return tr(
                "Your whole body was not seen for three seconds; last missing: {parts}. Stand where the camera "
                "sees arms and feet and try again, or use your height.",
                parts=parts_of(standing.missing),
            )
        return tr(
            "Your whole body was not seen for three seconds. Stand where the camera sees arms and feet and try "
            "again, or use your height."
        )
    moved = f"{100 * quietest.most_m:.0f}"
    if quietest.legs_m >= quietest.trunk_m:
        return tr(
            "Your legs moved by {moved} cm at the least. Stand still and try again, or use your height.", moved=moved
        )
    return tr(
        "Your trunk moved by {moved} cm at the least. Stand still and try again, or use your height.", moved=moved
    )


def parts_of(missing: tuple[str, ...]) -> str:
    """Parts of the body in words."""
    return ", ".join(tr(PART_WORDS[part]).lower() for part in missing)
