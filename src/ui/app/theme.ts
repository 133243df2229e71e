/** The component base made ours: one accent, small radii. Colours come from the style sheet, so that the policy needs no exception. */
import { createTheme, type MantineColorsTuple } from '@mantine/core';

const tone = (name: string): MantineColorsTuple =>
  Array.from({ length: 10 }, () => `var(--mantine-color-${name}-filled)`) as unknown as MantineColorsTuple;

export const theme = createTheme({
  primaryColor: 'accent',
  colors: { accent: tone('accent') },
  defaultRadius: 'var(--radius-small)',
  respectReducedMotion: true,
  cursorType: 'pointer',
  components: {
    Button: { defaultProps: { size: 'sm', variant: 'filled' } },
    TextInput: { defaultProps: { size: 'sm' } },
  },
});
