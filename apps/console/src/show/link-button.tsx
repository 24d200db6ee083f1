import { Button, type ButtonProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';

interface AnchorProps extends ButtonProps {
  ref?: React.Ref<HTMLAnchorElement>;
}

/** A button that leads to a screen. */
export const LinkButton = createLink(function AnchorButton(props: AnchorProps) {
  return <Button component="a" {...props} />;
});
